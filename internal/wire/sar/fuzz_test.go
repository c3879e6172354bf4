// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationv1beta1 "k8s.io/api/authorization/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/internal/wire/sar"
)

// shape is a review of one of the versions, but for what has no meaning here.
type shape[S any] struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Spec       *S     `json:"spec"`
}

// FuzzReview: a strict decoder that is told Kubernetes' own types takes and refuses
// the same bodies, and reads the same.
func FuzzReview(f *testing.F) {
	for _, seed := range []string{
		review(resource("jane", "get", `"resource":"pods","namespace":"a","group":"g","version":"v","subresource":"s","name":"n"`)),
		review(`{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"joe","uid":"u","extra":{"a":["b"],"c":null}}`),
		review(`{"resourceAttributes":{"labelSelector":{"rawSelector":"a","requirements":[{"key":"k","operator":"In","values":["v"]},{}]},` +
			`"fieldSelector":{"requirements":[null,{"values":null}]}},"user":"","groups":["a",""],"group":["b"]}`),
		strings.Replace(review(`{"resourceAttributes":{},"user":"a","group":["b"],"groups":["c"]}`), "/v1", "/v1beta1", 1),
		review(`{"resourceAttributes":{},"nonResourceAttributes":null,"user":"\ud83d\ude00"}`), review(`{}`), review(`null`), `null`, ``, `[]`,
		review(`{"resourceAttributes":{"labelSelector":{"rawSelector":1}}}`), review(`{"x":1e999,"resourceAttributes":{"labelSelector":null}}`), review(`{"resourceAttributes":{"labelSelector":[]}}`), review(`{"groups":{}}`),
	} {
		f.Add([]byte(seed))
	}
	var d sar.Decoder // one for all, so that nothing of one body is seen in the next
	f.Fuzz(func(t *testing.T, body []byte) {
		want, wantErr := strict(body)
		got, err := d.Review(body)
		switch {
		case err != nil && strings.Contains(err.Error(), "deeper than"):
			return
		case (err == nil) != (wantErr == nil):
			t.Fatalf("error %v, want %v", err, wantErr)
		case err != nil:
			return
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("review (-want +got):\n%s", diff)
		}
	})
}

// FuzzProtobuf: what is a protocol buffer reads as Kubernetes' own decoder reads it,
// and what that refuses is refused.
func FuzzProtobuf(f *testing.F) {
	for _, spec := range []authorizationv1.SubjectAccessReviewSpec{
		{},
		{User: "jane", NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}},
		{
			User: "joe", UID: "u", Groups: []string{"a", ""}, Extra: map[string]authorizationv1.ExtraValue{"k": {"v"}},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "list", Resource: "pods", Namespace: "a\xff",
				LabelSelector: &authorizationv1.LabelSelectorAttributes{Requirements: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "In"}}},
			},
		},
	} {
		raw, err := (&authorizationv1.SubjectAccessReview{Spec: spec}).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		for _, version := range []string{sar.V1, sar.V1Beta1, "v1"} {
			f.Add("SubjectAccessReview", version, raw)
		}
	}
	f.Fuzz(func(t *testing.T, kind, version string, raw []byte) {
		envelope := runtime.Unknown{TypeMeta: runtime.TypeMeta{Kind: kind, APIVersion: version}, Raw: raw}
		body, err := envelope.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		var want authorizationv1.SubjectAccessReview // both versions have the same numbers
		good := want.Unmarshal(raw) == nil && kind == "SubjectAccessReview" && (version == sar.V1 || version == sar.V1Beta1) &&
			(want.Spec.ResourceAttributes == nil) != (want.Spec.NonResourceAttributes == nil) && utf8.ValidString(texts(&want.Spec))
		text, err := sar.FromProtobuf(append([]byte("k8s\x00"), body...))
		var got *sar.Review
		if err == nil {
			got, err = new(sar.Decoder).Review(text)
		}
		if (err == nil) != good {
			t.Fatalf("error %v, want one: %v", err, !good)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(expected(version, &want.Spec), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("review (-want +got):\n%s", diff)
		}
	})
}

// texts are all texts of a review in one.
func texts(s *authorizationv1.SubjectAccessReviewSpec) string {
	all := fmt.Sprint(s.User, s.UID, s.Groups, s.Extra, s.NonResourceAttributes)
	if a := s.ResourceAttributes; a != nil {
		all += fmt.Sprint(*a, a.FieldSelector, a.LabelSelector)
	}
	return all
}

// strict reads a body by Kubernetes' types.
func strict(body []byte) (*sar.Review, error) {
	var v1 shape[authorizationv1.SubjectAccessReviewSpec]
	var beta shape[authorizationv1beta1.SubjectAccessReviewSpec]
	// What the other version alone knows is checked too: groups and group.
	if err := errors.Join(jsonv2.Unmarshal(body, &v1), jsonv2.Unmarshal(body, &beta)); err != nil {
		return nil, err
	}
	switch {
	case v1.Kind != "SubjectAccessReview", v1.Spec == nil:
		return nil, errUnfit
	case v1.APIVersion == sar.V1Beta1:
		v1.Spec.Groups = beta.Spec.Groups
	case v1.APIVersion != sar.V1:
		return nil, errUnfit
	}
	if (v1.Spec.ResourceAttributes == nil) == (v1.Spec.NonResourceAttributes == nil) {
		return nil, errUnfit
	}
	return expected(v1.APIVersion, v1.Spec), nil
}

var errUnfit = errors.New("no review")

func expected(version string, s *authorizationv1.SubjectAccessReviewSpec) *sar.Review {
	v := &sar.Review{Version: version, User: s.User, UID: s.UID, Groups: s.Groups}
	extra := map[string]any{}
	for name, texts := range s.Extra {
		extra[name] = list(texts)
	}
	v.Context = map[string]any{"user": s.User, "uid": s.UID, "groups": list(s.Groups), "extra": extra}
	if n := s.NonResourceAttributes; n != nil {
		v.NonResource = &sar.NonResourceAttributes{Path: n.Path, Verb: n.Verb}
		v.Context["nonResourceAttributes"] = map[string]any{"path": n.Path, "verb": n.Verb}
		return v
	}
	a := s.ResourceAttributes
	v.Resource = &sar.ResourceAttributes{
		Namespace: a.Namespace, Verb: a.Verb, Group: a.Group, Version: a.Version,
		Resource: a.Resource, Subresource: a.Subresource, Name: a.Name,
	}
	var fields, labels []any
	if a.FieldSelector != nil {
		for _, r := range a.FieldSelector.Requirements {
			fields = append(fields, requirementOf(r.Key, r.Operator, r.Values))
		}
	}
	if a.LabelSelector != nil {
		for _, r := range a.LabelSelector.Requirements {
			labels = append(labels, requirementOf(r.Key, r.Operator, r.Values))
		}
	}
	v.Context["resourceAttributes"] = map[string]any{
		"namespace": a.Namespace, "verb": a.Verb, "group": a.Group, "version": a.Version,
		"resource": a.Resource, "subresource": a.Subresource, "name": a.Name,
		"fieldSelector": map[string]any{"requirements": fields}, "labelSelector": map[string]any{"requirements": labels},
	}
	return v
}

func requirementOf[O metav1.FieldSelectorOperator | metav1.LabelSelectorOperator](key string, operator O, values []string) map[string]any {
	return map[string]any{"key": key, "operator": string(operator), "values": list(values)}
}

func list(texts []string) []any {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}
