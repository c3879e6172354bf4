// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

func keyOf(id, file string, grant configv1alpha1.CallerGrant) configv1alpha1.Callers {
	return configv1alpha1.Callers{APIKeys: []configv1alpha1.APIKeyCaller{{ID: id, KeyFile: file, CallerGrant: grant}}}
}

func TestWhatKeysMay(t *testing.T) {
	grant := configv1alpha1.CallerGrant{
		Namespaces:  []string{"shop", "office"},
		Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks, configv1alpha1.CallerPolicies},
	}
	r := newRig(t, keyOf("legacy", write(t, "key", key), grant))
	for _, tt := range []struct {
		namespace string
		p         door.Permission
		may       bool
	}{
		{"shop", door.PermissionCheck, true},
		{"office", door.PermissionPolicy, true},
		{"shop", door.PermissionSearch, false},
		{"shops", door.PermissionCheck, false},
		{"", door.PermissionCheck, false},
		{"*", door.PermissionCheck, false},
	} {
		got, err := r.Admit(t.Context(), bearer(key), tt.namespace, tt.p)
		if tt.may != (err == nil) {
			t.Errorf("%s in %q: %v, error %v", tt.p, tt.namespace, got, err)
		}
		if !tt.may {
			check(t, got, err, http.StatusForbidden, `the caller "legacy" may not create `+string(tt.p))
		}
	}
	everywhere := newRig(t, keyOf("legacy", write(t, "key", key), checksIn("*")))
	if got, err := everywhere.Admit(t.Context(), bearer(key), "anywhere", door.PermissionCheck); err != nil || got.Method != "apikey" {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestKeyFiles(t *testing.T) {
	tests := map[string]struct {
		text string
		want string // of the error; empty if there is none
	}{
		"one line":            {text: key},
		"blank around it":     {text: "\n  " + key + "  \r\n\n"},
		"two keys":            {text: "0123456789abcdef\n" + key + "\n"},
		"as short as may be":  {text: key + "\n" + strings.Repeat("s", 16)},
		"as long as may be":   {text: key + "\n" + strings.Repeat("s", 512)},
		"a short one":         {text: key + "\nsesame", want: "line 2 has 6 bytes; give it 16 to 512"},
		"a long one":          {text: strings.Repeat("s", 513), want: "line 1 has 513 bytes"},
		"a sentence":          {text: "correct horse battery staple", want: "line 1 may have letters, digits and"},
		"a token":             {text: "0123456789.abcdefgh.ijklmnop", want: "line 1 may have letters"},
		"nothing":             {text: "", want: "it holds no key"},
		"nothing but a blank": {text: " \n\n", want: "it holds no key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, "key", tt.text)
			r, err := tryRig(t, keyOf("legacy", path, checksIn("shop")))
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				r.admitted(t, bearer(key), "legacy")
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "callers.apiKeys[0].keyFile: "+path) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
			for line := range strings.Lines(tt.text) {
				if secret := strings.TrimSpace(line); secret != "" && err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a key: %v", err)
				}
			}
		})
	}
	if _, err := tryRig(t, keyOf("legacy", "/nowhere/key", checksIn("shop"))); err == nil || !strings.Contains(err.Error(), "callers.apiKeys[0].keyFile: /nowhere/key: no such file") {
		t.Errorf("without a file: error %v", err)
	}
}

// TestAKeyOfTwo is refused at the start: nobody could say who it is.
func TestAKeyOfTwo(t *testing.T) {
	c := keyOf("one", write(t, "one", key), checksIn("shop"))
	c.APIKeys = append(c.APIKeys, configv1alpha1.APIKeyCaller{ID: "two", KeyFile: write(t, "two", key), CallerGrant: checksIn("shop")})
	if _, err := tryRig(t, c); err == nil || !strings.Contains(err.Error(), `"one" has one of these keys too`) || strings.Contains(err.Error(), key) {
		t.Errorf("error %v", err)
	}
}

// TestKeysChange while the server runs; a file that is gone or wrong lets nobody
// in.
func TestKeysChange(t *testing.T) {
	const next = "the-next-key-of-all"
	path, other := write(t, "key", key), write(t, "other", "0123456789abcdef")
	c := keyOf("legacy", path, checksIn("shop"))
	c.APIKeys = append(c.APIKeys, configv1alpha1.APIKeyCaller{ID: "other", KeyFile: other, CallerGrant: checksIn("shop")})
	r := newRig(t, c)
	r.run(t)
	step := func(what, letIn, keptOut string) {
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
			_, in := r.ask(t, bearer(letIn))
			_, out := r.ask(t, bearer(keptOut))
			return (letIn == "" || in == nil) && (keptOut == "" || out != nil), nil
		})
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		r.admitted(t, bearer("0123456789abcdef"), "other")
	}
	step("at first", key, next)
	pki.Replace(t, path, key+"\n"+next)
	step("a second key", next, "")
	r.admitted(t, bearer(key), "legacy")
	pki.Replace(t, path, next)
	step("the first is gone", next, key)
	pki.Replace(t, path, "short")
	step("a bad key", "", next)
	pki.Replace(t, path, key)
	step("a good one", key, next)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	step("no file", "", key)
	pki.Replace(t, path, key)
	step("a file", key, "")
	log := r.logged()
	for _, want := range []string{"has 5 bytes", "no such file", "a file of callers is good again"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{key, next, "short\"", "0123456789abcdef"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log tells a key:\n%s", log)
		}
	}
}
