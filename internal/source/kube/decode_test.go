// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// newDecoder returns the decoder of a kind; its library is what client-go would use.
func newDecoder(t testing.TB, kind store.Kind) decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := codec{serializer.NewCodecFactory(scheme).WithoutConversion(), kind}
	info, ok := runtime.SerializerInfoForMediaType(c.SupportedMediaTypes(), runtime.ContentTypeJSON)
	if !ok {
		t.Fatal("there is no serializer for JSON")
	}
	d, ok := c.DecoderToVersion(info.Serializer, v1alpha1.GroupVersion).(decoder)
	if !ok {
		t.Fatal("the codec gives another decoder")
	}
	return d
}

// stripped returns what the source makes of what a decoder returned: the objects
// without what strip takes off, and what a list says of itself.
func stripped(t testing.TB, o runtime.Object) ([]runtime.Object, metav1.ListMeta) {
	t.Helper()
	all, about := []runtime.Object{o}, metav1.ListMeta{}
	if meta.IsListType(o) {
		list, err := meta.ListAccessor(o)
		if err != nil {
			t.Fatal(err)
		}
		about = metav1.ListMeta{
			ResourceVersion: list.GetResourceVersion(), Continue: list.GetContinue(), RemainingItemCount: list.GetRemainingItemCount(),
		}
		if all, err = meta.ExtractList(o); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) == 0 {
		return nil, about
	}
	for _, o := range all {
		if _, err := strip(o); err != nil {
			t.Fatal(err)
		}
		known, err := meta.Accessor(o)
		if err != nil {
			t.Fatal(err)
		}
		known.SetGenerateName("") // of no object that is stored
		known.SetSelfLink("")
		known.SetDeletionGracePeriodSeconds(nil)
		o.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("")) // the library sets it in lists alone
	}
	return all, about
}

const ofObject = `"metadata":{"annotations":{"note":"long"},"creationTimestamp":"2026-01-02T03:04:05Z",` +
	`"deletionTimestamp":"2026-02-03T04:05:06Z","finalizers":["a.example/b"],"generation":3,"labels":{"a":"b"},` +
	`"managedFields":[{"apiVersion":"rolecall.dev/v1alpha1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:scope":{}}},` +
	`"manager":"kubectl","operation":"Update","time":"2026-01-02T03:04:05Z"}],` +
	`"name":"one","namespace":"default","resourceVersion":"12","uid":"3f8b1c7e"}`

const ofStatus = `"status":{"conditions":[{"lastTransitionTime":"2026-01-02T03:04:06Z","message":"fine","observedGeneration":3,` +
	`"reason":"Accepted","status":"True","type":"Ready"}],"observedGeneration":3}`

// specs has each kind's with all that the decoders might read differently.
var specs = map[store.Kind]string{
	store.KindResource: `{"actions":[{"name":"read","description":"\u00e9\n"},{"name":"write"}],"schema":{"type":"object", "properties":{"a":{"type":"string"}}}}`,
	store.KindRole:     `{"inherits":["viewer"],"permissions":[{"actions":["*"],"effect":"Deny","resource":"doc*"},{"actions":[],"resource":"x"}]}`,
	store.KindRoleBinding: `{"resources":[{"id":"7","type":"doc"}],"roles":["reader"],"scope":"org:acme","subjects":[` +
		`{"id":"ann","type":"user"},{"id":"ops","type":"group","properties":{"a":[1,2.5e3,null]}}],"notAfter":"2027-01-01T00:00:00Z"}`,
	store.KindGroup: `{"members":[{"id":"ann","type":"user"}],"unknown":{"a":[1]}}`,
}

func object(kind store.Kind) string {
	return fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,%s,"spec":%s,%s}`, kind, ofObject, specs[kind], ofStatus)
}

func list(kind store.Kind, items string) string {
	return fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1",%s"kind":"%sList",`+
		`"metadata":{"continue":"abc","remainingItemCount":7,"resourceVersion":"99"}}`+"\n", items, kind)
}

// TestDecode: what is decoded at once is what the library makes of the same text.
func TestDecode(t *testing.T) {
	for _, kind := range store.Kinds() {
		d, one := newDecoder(t, kind), object(kind)
		for name, text := range map[string]string{
			"an object":               one,
			"an object without spec":  fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,"metadata":{"resourceVersion":"5","creationTimestamp":null}}`, kind),
			"an object, null":         fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,"metadata":null,"spec":null}`, kind),
			"members of other case":   fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,"Metadata":{"name":"a"},"metadata":{"Name":"b","UID":"c"}}`, kind),
			"the same member twice":   fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,"metadata":{"name":"a","name":"b","uid":"c"},"metadata":{"name":"d"}}`, kind),
			"what is no UTF-8":        fmt.Sprintf(`{"apiVersion":"rolecall.dev/v1alpha1","kind":%q,"metadata":{"name":"a`+"\xff"+`b\ud800"}}`, kind),
			"a list":                  list(kind, `"items":[`+one+`,`+one+`],`),
			"an empty list":           list(kind, `"items":[],`),
			"a list of null":          list(kind, `"items":null,`),
			"a list without items":    list(kind, ""),
			"a list, metadata first":  fmt.Sprintf(`{"kind":"%sList","apiVersion":"rolecall.dev/v1alpha1","metadata":{"resourceVersion":"1"},"items":[%s]}`, kind, one),
			"a list, items of a null": list(kind, `"items":[null],`),
		} {
			t.Run(string(kind)+", "+name, func(t *testing.T) {
				lean, _ := d.lean([]byte(text))
				if lean == nil {
					t.Fatal("it was left to the library")
				}
				compare(t, d, text, lean)
			})
		}
	}
}

func compare(t *testing.T, d decoder, text string, got runtime.Object) {
	t.Helper()
	want, _, err := d.library.Decode([]byte(text), nil, nil)
	if err != nil {
		t.Fatalf("the library refuses it: %v", err)
	}
	gotObjects, gotList := stripped(t, got)
	wantObjects, wantList := stripped(t, want)
	if diff := cmp.Diff(wantObjects, gotObjects); diff != "" {
		t.Errorf("objects (-library +lean):\n%s", diff)
	}
	if diff := cmp.Diff(wantList, gotList); diff != "" {
		t.Errorf("list (-library +lean):\n%s", diff)
	}
}

// TestDecodeOther: what is no object of the kind is the library's, which decodes it or
// says what is wrong.
func TestDecodeOther(t *testing.T) {
	one := object(store.KindRole)
	d := newDecoder(t, store.KindRole)
	for name, text := range map[string]string{
		"a status":        `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}`,
		"another kind":    object(store.KindGroup),
		"another version": strings.Replace(one, "v1alpha1", "v1", 1),
		"no kind":         `{"metadata":{"name":"a"}}`,
		"other lists":     list(store.KindGroup, `"items":[],`),
		"half":            one[:len(one)/2],
		"more":            one + one,
		"nothing":         "",
		"a number":        "7",
		"items":           list(store.KindRole, `"items":[{"metadata":7}],`),
		"no items":        list(store.KindRole, `"items":{},`),
	} {
		t.Run(name, func(t *testing.T) {
			got, _, gotErr := d.Decode([]byte(text), nil, nil)
			want, _, err := d.library.Decode([]byte(text), nil, nil)
			if fmt.Sprint(gotErr) != fmt.Sprint(err) {
				t.Errorf("the error is %v, the library's is %v", gotErr, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-library +got):\n%s", diff)
			}
		})
	}
}

// FuzzDecode: a text that both take means the same to both.
func FuzzDecode(f *testing.F) {
	for i, kind := range store.Kinds() {
		f.Add(i, object(kind))
		f.Add(i, list(kind, `"items":[`+object(kind)+`],`))
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		kinds := store.Kinds()
		d := newDecoder(t, kinds[uint(i)%uint(len(kinds))])
		lean, _ := d.lean([]byte(text))
		if lean == nil {
			return
		}
		if _, _, err := d.library.Decode([]byte(text), nil, nil); err != nil {
			return // of what is passed over
		}
		compare(t, d, text, lean)
	})
}

// BenchmarkDecode reads a page of RoleBindings, and has the library read it.
func BenchmarkDecode(b *testing.B) {
	d := newDecoder(b, store.KindRoleBinding)
	one := object(store.KindRoleBinding)
	page := []byte(list(store.KindRoleBinding, `"items":[`+one+strings.Repeat(","+one, pageSize-1)+`],`))
	for name, decode := range map[string]runtime.Decoder{"lean": d, "library": d.library} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := decode.Decode(page, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
