// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

var wantGroups = []string{"apiextensions.k8s.io", "rolecall.dev"}

// get asks for a path as curl would, with the token that the kubeconfig has.
func get(t *testing.T, config *rest.Config, path, accept string) (int, []byte) {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestDiscoveryRoots(t *testing.T) {
	tests := map[string]struct {
		path, accept string
		wantKind     string
		wantGroups   []string
	}{
		"groups, as old clients ask": {
			path: "/apis", accept: "application/json", wantKind: "APIGroupList", wantGroups: wantGroups,
		},
		"groups, aggregated": {
			path: "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
			wantKind: "APIGroupDiscoveryList", wantGroups: wantGroups,
		},
		"no core group, as old clients ask": {
			path: "/api", accept: "application/json", wantKind: "APIVersions",
		},
		"no core group, aggregated": {
			path: "/api", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
			wantKind: "APIGroupDiscoveryList",
		},
	}
	config := devclustertest.Start(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			code, body := get(t, config, tt.path, tt.accept)
			if code != http.StatusOK {
				t.Fatalf("status = %d: %s", code, body)
			}
			kind, groups := parseGroups(t, body)
			if kind != tt.wantKind {
				t.Errorf("kind = %q, want %q", kind, tt.wantKind)
			}
			if diff := cmp.Diff(tt.wantGroups, groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

// parseGroups reads both forms.
func parseGroups(t *testing.T, body []byte) (kind string, names []string) {
	t.Helper()
	var list struct {
		Kind   string
		Groups []struct{ Name string }
		Items  []struct{ Metadata struct{ Name string } }
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, g := range list.Groups {
		names = append(names, g.Name)
	}
	for _, i := range list.Items {
		names = append(names, i.Metadata.Name)
	}
	slices.Sort(names)
	return list.Kind, names
}

func TestPathsThatDoNotExist(t *testing.T) {
	config := devclustertest.Start(t)
	for _, path := range []string{"/nowhere", "/api/v1/namespaces", "/apis/apps/v1/deployments"} {
		if code, body := get(t, config, path, "application/json"); code != http.StatusNotFound {
			t.Errorf("GET %s = %d %s, want 404", path, code, body)
		}
	}
}

func TestKindsAreFoundByDiscovery(t *testing.T) {
	tests := map[string]struct{ legacy bool }{
		"aggregated":        {},
		"group after group": {legacy: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client, err := discovery.NewDiscoveryClientForConfig(devclustertest.Start(t))
			if err != nil {
				t.Fatal(err)
			}
			client.UseLegacyDiscovery = tt.legacy
			groups, err := restmapper.GetAPIGroupResources(client)
			if err != nil {
				t.Fatal(err)
			}
			mapping, err := restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(schema.GroupKind{Group: "rolecall.dev", Kind: "RoleBinding"})
			if err != nil {
				t.Fatal(err)
			}
			want := schema.GroupVersionResource{Group: "rolecall.dev", Version: "v1alpha1", Resource: "rolebindings"}
			if mapping.Resource != want || mapping.Scope.Name() != "namespace" {
				t.Errorf("mapping = %v %v, want %v, namespaced", mapping.Resource, mapping.Scope.Name(), want)
			}
		})
	}
}

// TestVersionCanBeParsed: kubectl version fails on one that cannot.
func TestVersionCanBeParsed(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(devclustertest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := version.ParseSemantic(got.GitVersion); err != nil || v.LessThan(version.MustParseSemantic("v1.30.0")) {
		t.Errorf("version %q (%v), want that of a current Kubernetes", got.GitVersion, err)
	}
}

func TestShortNamesAndCategory(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(devclustertest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ServerResourcesForGroupVersion("rolecall.dev/v1alpha1")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") {
			got[strings.Join(r.ShortNames, ",")] = strings.Join(r.Categories, ",")
		}
	}
	want := map[string]string{"rcres": "rolecall", "rcrole": "rolecall", "rcbind": "rolecall", "rcgroup": "rolecall"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("short name to category (-want +got):\n%s", diff)
	}
}

// The documents follow the CRDs with a delay, so these wait for them.

func TestOpenAPIV3DescribesTheKinds(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(devclustertest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	until(t, "OpenAPI v3 of rolecall.dev/v1alpha1 with descriptions", func() bool {
		paths, err := client.OpenAPIV3().Paths()
		if err != nil {
			t.Fatal(err)
		}
		group, ok := paths["apis/rolecall.dev/v1alpha1"]
		return ok && strings.Contains(schemaOf(t, group), "may be held because a caller")
	})
}

func schemaOf(t *testing.T, group openapi.GroupVersion) string {
	t.Helper()
	text, err := group.Schema("application/json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOpenAPIV2DescribesTheKinds(t *testing.T) {
	config := devclustertest.Start(t)
	until(t, "OpenAPI v2 with dev.rolecall.v1alpha1.Role", func() bool {
		code, body := get(t, config, "/openapi/v2", "application/json")
		return code == http.StatusOK && strings.Contains(string(body), `"dev.rolecall.v1alpha1.Role"`)
	})
}

// until asks again and again, for as long as the test may run.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !done() {
		if ctx.Err() != nil {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
