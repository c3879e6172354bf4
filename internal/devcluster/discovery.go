// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apiextensions-apiserver/pkg/apiserver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// aggregatedJSON asks a discovery root for all groups and resources at once.
const aggregatedJSON = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// addDiscovery returns the handler of /api and /apis. The server of CRDs
// leaves these to the kube-apiserver that it usually stands behind, but fills
// the list of groups that is set here, from which both are answered. Every
// other path that reaches the handler does not exist.
func addDiscovery(c *genericapiserver.RecommendedConfig) http.Handler {
	groups := aggregated.NewResourceManager("apis")
	c.AggregatedDiscoveryGroupManager = groups
	mux := http.NewServeMux()
	mux.Handle("/apis", aggregated.WrapAggregatedDiscoveryToHandler(groupList(groups), groups, nil))
	core := aggregated.NewResourceManager("api")
	mux.Handle("/api", aggregated.WrapAggregatedDiscoveryToHandler(http.HandlerFunc(coreVersions), core, nil))
	return mux
}

// coreVersions says that there is no core group.
func coreVersions(w http.ResponseWriter, r *http.Request) {
	writeObject(w, r, &metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{}})
}

// groupList answers clients that do not ask for the aggregated form.
func groupList(groups http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := readGroups(groups, r)
		if err != nil {
			responsewriters.InternalError(w, r, err)
			return
		}
		writeObject(w, r, plainGroups(found))
	})
}

func writeObject(w http.ResponseWriter, r *http.Request, obj runtime.Object) {
	responsewriters.WriteObjectNegotiated(apiserver.Codecs, negotiation.DefaultEndpointRestrictions,
		schema.GroupVersion{}, w, r, http.StatusOK, obj, false)
}

// readGroups takes the aggregated document from its handler, so that both
// forms always say the same.
func readGroups(groups http.Handler, r *http.Request) (apidiscoveryv2.APIGroupDiscoveryList, error) {
	var list apidiscoveryv2.APIGroupDiscoveryList
	ask := r.Clone(r.Context())
	ask.Header = http.Header{"Accept": {aggregatedJSON}}
	answer := capture{header: http.Header{}, code: http.StatusOK}
	groups.ServeHTTP(&answer, ask)
	if answer.code != http.StatusOK {
		return list, fmt.Errorf("read the aggregated discovery: status %d", answer.code)
	}
	if err := json.Unmarshal(answer.body.Bytes(), &list); err != nil {
		return list, fmt.Errorf("decode the aggregated discovery: %w", err)
	}
	return list, nil
}

func plainGroups(list apidiscoveryv2.APIGroupDiscoveryList) *metav1.APIGroupList {
	out := &metav1.APIGroupList{Groups: make([]metav1.APIGroup, 0, len(list.Items))}
	for _, g := range list.Items {
		group := metav1.APIGroup{Name: g.Name}
		for _, v := range g.Versions {
			gv := schema.GroupVersion{Group: g.Name, Version: v.Version}
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: v.Version})
		}
		if len(group.Versions) > 0 {
			group.PreferredVersion = group.Versions[0] // the aggregated form sorts by preference
		}
		out.Groups = append(out.Groups, group)
	}
	return out
}

// capture keeps an answer in memory. It is for one goroutine.
type capture struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (c *capture) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter.
func (c *capture) WriteHeader(code int) { c.code = code }

// Write implements http.ResponseWriter.
func (c *capture) Write(p []byte) (int, error) { return c.body.Write(p) }
