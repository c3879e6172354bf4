// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/admission"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/store"
)

// rig is a webhook beside a store, and what it has counted.
type rig struct {
	options  admission.Options
	store    *store.Store
	url      string
	mu       sync.Mutex
	outcomes []string
}

func (r *rig) Reviewed(outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = append(r.outcomes, outcome)
}

type published chan store.Info

func (p published) Published(info store.Info, _ time.Duration) { p <- info }

// rights are roles that everybody may bind.
type rights []string

func (r rights) MayBind(_ context.Context, who *authenticationv1.UserInfo, namespace, role string) (bool, error) {
	if who.Username != "jane" || namespace != "shop" {
		return false, errors.New("somebody else is asked about")
	}
	return slices.Contains(r, "*") || slices.Contains(r, role), nil
}

// newRig starts a webhook in whose store these objects are; nil is none that has been
// read yet.
func newRig(t *testing.T, objects []metav1.Object, change func(*admission.Options)) *rig {
	t.Helper()
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	r, news := &rig{}, make(published, 1)
	compiler := compile.New(env)
	r.store = store.New(store.Options{Compiler: compiler, Now: time.Now, Observer: news, Namespaces: []string{"shop"}})
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = r.store.Run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	if objects != nil {
		var lists []store.List
		for _, p := range store.Partitions([]string{"shop"}) {
			l := store.List{Partition: p}
			for _, o := range objects {
				if fmt.Sprintf("*v1alpha1.%s", p.Kind) == fmt.Sprintf("%T", o) {
					l.Objects = append(l.Objects, o)
				}
			}
			lists = append(lists, l)
		}
		r.store.Replace(lists...)
		<-news
	}
	r.options = admission.Options{Compiler: compiler, Surroundings: r.store, RefuseInvalid: true, Meter: r}
	if change != nil {
		change(&r.options)
	}
	server := httptest.NewServer(admission.Handler(r.options))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// post sends a body as the API server would, and returns the answer.
func (r *rig) post(t *testing.T, body []byte) *admissionv1.AdmissionResponse {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+admission.Path+"?timeout=3s", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(response.Body).Decode(&review); err != nil {
		t.Fatalf("%s: %v", response.Status, err)
	}
	return review.Response
}

// ask asks about a write of objects, as YAML; an empty one is not there.
func (r *rig) ask(t *testing.T, kind, before, after string) *admissionv1.AdmissionResponse {
	t.Helper()
	q := &admissionv1.AdmissionRequest{
		UID: "7", Kind: metav1.GroupVersionKind{Group: v1alpha1.GroupName, Version: "v1alpha1", Kind: kind}, Namespace: "shop",
		UserInfo: authenticationv1.UserInfo{Username: "jane"}, Operation: admissionv1.Update,
	}
	switch {
	case before == "":
		q.Operation = admissionv1.Create
	case after == "":
		q.Operation = admissionv1.Delete
	}
	q.OldObject, q.Object = raw(t, before), raw(t, after)
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: q,
	})
	if err != nil {
		t.Fatal(err)
	}
	response := r.post(t, body)
	if response.UID != "7" {
		t.Errorf("the answer is to %q", response.UID)
	}
	return response
}

func raw(t *testing.T, text string) runtime.RawExtension {
	t.Helper()
	if text == "" {
		return runtime.RawExtension{}
	}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: data}
}

func (r *rig) counted(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	r.outcomes = nil
}

// shop is what there is: the objects of a small policy.
func shop(t *testing.T) []metav1.Object {
	t.Helper()
	var objects []metav1.Object
	for _, o := range []struct {
		object metav1.Object
		text   string
	}{
		{&v1alpha1.Resource{}, "{metadata: {name: document}, spec: {actions: [{name: read}, {name: write}], routes: [{method: GET, path: /documents, action: read}]}}"},
		{&v1alpha1.Role{}, "{metadata: {name: editor}, spec: {inherits: [viewer], permissions: [{resource: document, actions: [write]}]}}"},
		{&v1alpha1.Role{}, "{metadata: {name: viewer}, spec: {permissions: [{resource: document, actions: [read]}]}}"},
		{&v1alpha1.Role{}, "{metadata: {name: idle}, spec: {permissions: [{resource: document, actions: [read]}]}}"},
		{&v1alpha1.RoleBinding{}, "{metadata: {name: editors}, spec: {roles: [editor], scope: '*', subjects: [{type: user, id: jane}]}}"},
		{&v1alpha1.Group{}, "{metadata: {name: staff}, spec: {members: [{type: group, id: interns}]}}"},
	} {
		if err := yaml.Unmarshal([]byte(o.text), o.object); err != nil {
			t.Fatal(err)
		}
		o.object.SetNamespace("shop")
		o.object.SetCreationTimestamp(metav1.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		objects = append(objects, o.object)
	}
	return objects
}

// TestWarnings: each fault that the status would have is a warning, and so is what is
// no fault and yet worth a look.
func TestWarnings(t *testing.T) {
	r := newRig(t, shop(t), func(o *admission.Options) { o.Rights = rights{"editor"} })
	for _, tt := range []struct {
		name, kind, before, after string
		want                      []string
	}{
		{
			name: "nothing", kind: "RoleBinding",
			after: "{metadata: {name: a}, spec: {roles: [editor], scope: '*', subjects: [{type: user, id: jane}]}}",
		},
		{
			name: "a role that there is not", kind: "RoleBinding",
			after: "{metadata: {name: a}, spec: {roles: [editr], scope: '*', subjects: [{type: user, id: jane}]}}",
			want: []string{
				`spec.roles[0]: "editr" is the id of no rcrole in this namespace (did you mean "editor"?): correct it, or create the rcrole; until then the binding does not give it`,
				`spec.roles: you lack the verb bind on roles.rolecall.dev for "editr", and still the binding gives it`,
			},
		},
		{
			name: "crowds, and a type that is not declared", kind: "RoleBinding",
			after: "{metadata: {name: a}, spec: {roles: [editor], scope: '*', subjects: [{type: email_domain, id: acme.com}, {type: user, id: '*'}, {type: usr, id: a}]}}",
			want: []string{
				`spec.subjects[2].type: "usr" is neither user nor a type that an rcres declares (did you mean "user"?): if it is no mistake, declare it`,
				`spec.subjects[0]: whoever has a verified e-mail address of "acme.com" holds the roles, also guests and mailing lists`,
				`spec.subjects[1]: every "user" holds the roles, also those who come later`,
			},
		},
		{
			name: "everything, and a condition that denies", kind: "Role",
			after: `{metadata: {name: a}, spec: {permissions: [{resource: "*", actions: ["*"]}, {effect: Deny, resource: "*", actions: ["*"], condition: context.x == 1}]}}`,
			want: []string{
				`spec.permissions[1].condition (line 1, column 1): a request without context.x is denied, because the condition of this Deny then fails: if that is not meant, write has(context.x) && ... around it`,
				`spec.permissions[0]: it allows every action on everything, also on what is declared later: name what is meant, or add a condition`,
			},
		},
		{
			name: "everything under a condition", kind: "Role",
			after: `{metadata: {name: a}, spec: {permissions: [{resource: "*", actions: ["*"], condition: resource.id == "a"}]}}`,
		},
		{
			name: "the id of another", kind: "Role",
			after: "{metadata: {name: a}, spec: {id: viewer}}",
			want:  []string{`spec.id: "viewer" already belongs to the rcrole "viewer" (the older object, or the first by name), so the Allows of this one grant nothing and its Denies stand: choose another id for one of them, or delete one`},
		},
		{
			name: "the owner of an id", kind: "Role",
			before: "{metadata: {name: viewer, creationTimestamp: 2026-01-01T00:00:00Z}, spec: {}}",
			after:  "{metadata: {name: viewer, creationTimestamp: 2026-01-01T00:00:00Z}, spec: {description: x}}",
		},
		{
			name: "a role that inherits itself", kind: "Role",
			after: "{metadata: {name: a}, spec: {inherits: [a]}}",
			want:  []string{`spec.inherits[0]: "a" inherits itself (a -> a): the cycle changes no decision, but all its roles are one and the same, so take "a" out or merge the roles`},
		},
		{
			name: "a cycle that the change closes", kind: "Role",
			before: "{metadata: {name: viewer}, spec: {}}", after: "{metadata: {name: viewer}, spec: {inherits: [editor]}}",
			want: []string{`spec.inherits[0]: "viewer" inherits itself (viewer -> editor -> viewer): the cycle changes no decision, but all its roles are one and the same, so take "editor" out or merge the roles`},
		},
		{
			name: "a role that nobody has", kind: "Role", before: "{metadata: {name: idle}, spec: {}}", after: "{metadata: {name: idle}, spec: {description: x}}",
			want: []string{`spec: nobody holds the role: no rcbind gives "idle", no rcrole inherits it, and it is not assertable`},
		},
		{name: "a new role, which nobody can have", kind: "Role", after: "{metadata: {name: fresh}, spec: {description: x}}"},
		{name: "a role that is asserted", kind: "Role", before: "{metadata: {name: idle}, spec: {}}", after: "{metadata: {name: idle}, spec: {assertable: true}}"},
		{
			name: "a group in itself", kind: "Group", after: "{metadata: {name: interns}, spec: {members: [{type: group, id: staff}]}}",
			want: []string{`spec.members[0]: "interns" is a member of itself (interns -> staff -> interns): the cycle changes no decision, but all its groups have the same members, so take "staff" out or merge the groups`},
		},
		{
			name: "a route that means something else", kind: "Resource",
			after: "{metadata: {name: file}, spec: {actions: [{name: list}], routes: [{method: GET, path: /documents, action: list}]}}",
			want:  []string{`spec.routes[0]: "GET /documents" means something else in spec.routes[0] of the rcres "document", so such requests are denied: take one of them away, or make it differ`},
		},
		{
			name: "the routes of before count no more", kind: "Resource",
			before: "{metadata: {name: document}, spec: {}}",
			after:  "{metadata: {name: document}, spec: {actions: [{name: read}], routes: [{method: GET, path: /documents, action: read}, {method: GET, path: /other, action: read}]}}",
		},
		{
			name: "a role goes that is bound", kind: "Role", before: "{metadata: {name: editor}, spec: {}}",
			want: []string{`metadata.name: "editor" is still named by rcbinds, which then give nothing by it: neither what it allows nor what it forbids`},
		},
		{
			name: "a role goes that is inherited", kind: "Role", before: "{metadata: {name: viewer}, spec: {}}",
			want: []string{`metadata.name: "viewer" is still inherited by the rcrole "editor": what it allows and what it forbids is then gone there too`},
		},
		{name: "a role goes that nobody has", kind: "Role", before: "{metadata: {name: idle}, spec: {}}"},
		{
			name: "a type goes that roles name", kind: "Resource", before: "{metadata: {name: document}, spec: {}}",
			want: []string{`metadata.name: "document" is still named by 3 rcroles, such as "editor": requests for it are then denied as UnknownResource`},
		},
		{name: "a group goes", kind: "Group", before: "{metadata: {name: staff}, spec: {}}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response := r.ask(t, tt.kind, tt.before, tt.after)
			if diff := cmp.Diff(tt.want, response.Warnings); diff != "" || !response.Allowed {
				t.Errorf("allowed: %t (%v), warnings (-want +got):\n%s", response.Allowed, response.Result, diff)
			}
			outcome := admission.Passed
			if len(tt.want) > 0 {
				outcome = admission.Warned
			}
			r.counted(t, outcome)
		})
	}
}

const (
	typo     = `{metadata: {name: a}, spec: {permissions: [{resource: document, actions: [read], condition: contxt.mfa}]}}`
	twoTypos = `{metadata: {name: a}, spec: {permissions: [{resource: document, actions: [read], condition: contxt.mfa}, {resource: document, actions: [read], condition: "1 +"}]}}`
	typoText = `spec.permissions[0].condition (line 1, column 1): there is no variable "contxt" (did you mean "context"?)`
)

// TestRefusals: what does not compile is refused, unless it did not compile before or
// nothing is to be refused.
func TestRefusals(t *testing.T) {
	r := newRig(t, shop(t), nil)
	response := r.ask(t, "Role", "", typo)
	if response.Allowed || response.Result.Code != http.StatusUnprocessableEntity || response.Result.Reason != metav1.StatusReasonInvalid ||
		response.Result.Message != typoText || response.Result.Details.Causes[0].Field != "spec.permissions[0].condition" {
		t.Errorf("the answer is %+v, want a refusal with %q", response, typoText)
	}
	if response := r.ask(t, "Role", typo, twoTypos); response.Allowed || strings.Contains(response.Result.Message, "contxt") {
		t.Errorf("a second fault: %+v, want a refusal for that alone", response.Result)
	}
	r.counted(t, admission.Refused, admission.Refused)
	if response := r.ask(t, "Role", twoTypos, typo); !response.Allowed || response.Warnings[0] != typoText {
		t.Errorf("a fault less: %+v, want a warning of the other", response)
	}
	r.counted(t, admission.Warned)

	lenient := newRig(t, shop(t), func(o *admission.Options) { o.RefuseInvalid = false })
	if response := lenient.ask(t, "Role", "", typo); !response.Allowed || len(response.Warnings) != 1 || response.Warnings[0] != typoText {
		t.Errorf("with nothing refused: %+v, want a warning", response)
	}
	if conflict := r.ask(t, "Role", "", "{metadata: {name: a}, spec: {id: viewer}}"); !conflict.Allowed {
		t.Errorf("an id that is taken is refused: %v", conflict.Result)
	}
}

// TestUnknownSurroundings: without the others an object is judged by itself; in a
// namespace that is not served it is not judged at all.
func TestUnknownSurroundings(t *testing.T) {
	r := newRig(t, nil, nil)
	if response := r.ask(t, "Role", "", "{metadata: {name: a}, spec: {inherits: [nowhere]}}"); !response.Allowed || len(response.Warnings) > 0 {
		t.Errorf("before the first list: %+v", response)
	}
	if response := r.ask(t, "Role", "", typo); response.Allowed {
		t.Error("before the first list what does not compile is let through")
	}
	r.counted(t, admission.Skipped, admission.Refused)
	other := newRig(t, []metav1.Object{}, func(o *admission.Options) { o.Surroundings = elsewhere{o.Surroundings} })
	if response := other.ask(t, "Role", "", typo); !response.Allowed || len(response.Warnings) > 0 {
		t.Errorf("a namespace that is not served: %+v", response)
	}
	other.counted(t, admission.Skipped)
}

// elsewhere asks about a namespace that is not served.
type elsewhere struct{ admission.Surroundings }

func (e elsewhere) Around(_ string, kind store.Kind, id string) (*store.Around, error) {
	return e.Surroundings.Around("elsewhere", kind, id)
}

// TestRightsUnknown: if nobody can say what an author may bind, nobody is warned of it.
func TestRightsUnknown(t *testing.T) {
	r := newRig(t, shop(t), func(o *admission.Options) { o.Rights = broken{} })
	if response := r.ask(t, "RoleBinding", "", "{metadata: {name: a}, spec: {roles: [editor], scope: '*', subjects: [{type: user, id: jane}]}}"); len(response.Warnings) > 0 {
		t.Errorf("warnings: %q", response.Warnings)
	}
}

type broken struct{}

func (broken) MayBind(context.Context, *authenticationv1.UserInfo, string, string) (bool, error) {
	return false, errors.New("no answer")
}

// TestBounds: an API server cuts longer warnings, and drops those beyond the total
// without a word.
func TestBounds(t *testing.T) {
	r := newRig(t, shop(t), nil)
	var permissions []string
	for i := range 256 {
		permissions = append(permissions, fmt.Sprintf("{resource: %s-%d, actions: [read]}", strings.Repeat("nowhere", 30), i))
	}
	response := r.ask(t, "Role", "", "{metadata: {name: a}, spec: {permissions: ["+strings.Join(permissions, ", ")+"]}}")
	total := 0
	for _, w := range response.Warnings {
		if len(w) > 256 {
			t.Errorf("a warning has %d bytes", len(w))
		}
		total += len(w)
	}
	last := response.Warnings[len(response.Warnings)-1]
	if want := fmt.Sprintf("and %d more: see the status of the object", 257-len(response.Warnings)); last != want || total > 4096 || total < 3800 {
		t.Errorf("%d bytes, the last %q, want %q", total, last, want)
	}
}

// TestUnreadable: what is no review gets an error; an object that cannot be judged is
// let through, and its author hears of it.
func TestUnreadable(t *testing.T) {
	r := newRig(t, shop(t), nil)
	const review = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"7",`
	for _, body := range []string{"", "{", "[]"} {
		if response := r.post(t, []byte(body)); response.Allowed || response.Result.Code != http.StatusBadRequest {
			t.Errorf("%s: the answer is %+v", body, response)
		}
		r.counted(t, admission.Failed)
	}
	for body, want := range map[string]string{
		`"operation":"CREATE","kind":{"kind":"Pod"},"object":{}}}`:          "Rolecall cannot judge the object: the rules of the webhook ask for the kind \"Pod\", which is none of Rolecall's",
		`"operation":"CONNECT","kind":{"kind":"Role"}}}`:                    "Rolecall cannot judge the object: the rules of the webhook ask for another operation than CREATE, UPDATE and DELETE",
		`"operation":"CREATE","kind":{"kind":"Role"},"object":{"spec":7}}}`: "Rolecall cannot judge the object: read the Role: ",
		`"operation":"UPDATE","kind":{"kind":"Role"},"object":{}}}`:         "Rolecall cannot judge the object: read the Role: ",
	} {
		if response := r.post(t, []byte(review+body)); !response.Allowed || len(response.Warnings) != 1 || !strings.HasPrefix(response.Warnings[0], want) {
			t.Errorf("%s: the answer is %+v", body, response)
		}
		r.counted(t, admission.Failed)
	}
	response, err := http.Get(r.url + admission.Path)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered with %s", response.Status)
	}
}
