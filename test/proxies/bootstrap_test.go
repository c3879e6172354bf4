// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3" // a type that the configuration names
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	upstreamsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"
)

// bootstrap reads the configuration of an Envoy, which must have no field that Envoy's
// types do not have, and no value that Envoy refuses.
func bootstrap(text string) (*bootstrapv3.Bootstrap, error) {
	j, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return nil, err
	}
	b := &bootstrapv3.Bootstrap{}
	if err := protojson.Unmarshal(j, b); err != nil {
		return nil, err
	}
	return b, validate(b)
}

// validate holds a message, and those within it that it has as Any, to the rules of
// Envoy's API.
func validate(m proto.Message) error {
	var all []error
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		last := p.Index(-1)
		if kind := last.Step.Kind(); kind != protopath.RootStep && kind != protopath.AnyExpandStep {
			return nil
		}
		if v, ok := last.Value.Message().Interface().(interface{ ValidateAll() error }); ok {
			all = append(all, v.ValidateAll())
		}
		return nil
	})
	return errors.Join(append(all, err)...)
}

// TestBootstrap: what Envoy would not start with is found.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	text := read(t, "envoy.yaml")
	b, err := bootstrap(text)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := settingsOf(b); err != nil || s.filter.GetGrpcService().GetTimeout().AsDuration() != 200*time.Millisecond || s.filter.GetFailureModeAllow() {
		t.Errorf("the filter is %v, error %v; want Envoy's own timeout, and nobody let in without an answer", s.filter, err)
	}
	tests := map[string]struct{ from, to, want string }{
		"a misspelt field of the bootstrap": {"static_resources:", "static_resource:", "static_resource"},
		"a misspelt field of the filter":    {"failure_mode_allow:", "failure_mode_allowed:", "failure_mode_allowed"},
		"a misspelt field within it":        {"envoy_grpc: {cluster_name:", "envoy_grpc: {cluster:", "cluster"},
		"a type that there is not":          {"ext_authz.v3.ExtAuthz", "ext_authz.v4.ExtAuthz", "ext_authz.v4.ExtAuthz"},
		"a version that there is not":       {"transport_api_version: V3", "transport_api_version: V4", "V4"},
		"a status that there is not":        {"{code: ServiceUnavailable}", "{code: Unavailable}", "Unavailable"},
		"a rule of the filter's":            {"{key: rolecall-namespace,", `{key: "",`, "Key"},
		"a rule of the bootstrap's":         {"{address: 127.0.0.1, port_value: 9090}", "{address: 127.0.0.1, port_value: 99999}", "PortValue"},
		"a field that is there twice":       {"transport_api_version: V3", "transport_api_version: V3\n              transport_api_version: V3", "already set"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(text, tt.from) != 1 {
				t.Fatalf("%q is %d times in the configuration", tt.from, strings.Count(text, tt.from))
			}
			if _, err := bootstrap(strings.Replace(text, tt.from, tt.to, 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one of %q", err, tt.want)
			}
		})
	}
}

// settings are what a bootstrap says to the one listener that it has.
type settings struct {
	listen, application string
	// rolecall is where the filter asks.
	rolecall string
	filter   *extauthzv3.ExtAuthz
	manager  *managerv3.HttpConnectionManager
}

// settingsOf finds them by the names that the parts of a bootstrap call each other.
func settingsOf(b *bootstrapv3.Bootstrap) (s settings, err error) {
	listener := b.GetStaticResources().GetListeners()[0]
	s.listen = hostPort(listener.GetAddress())
	s.manager, s.filter = &managerv3.HttpConnectionManager{}, &extauthzv3.ExtAuthz{}
	if err := listener.GetFilterChains()[0].GetFilters()[0].GetTypedConfig().UnmarshalTo(s.manager); err != nil {
		return s, err
	}
	filters := s.manager.GetHttpFilters()
	if err := filters[0].GetTypedConfig().UnmarshalTo(s.filter); err != nil {
		return s, err
	}
	if last := filters[len(filters)-1].GetTypedConfig().GetTypeUrl(); !strings.HasSuffix(last, ".Router") {
		return s, fmt.Errorf("the last filter is %s", last)
	}
	route := s.manager.GetRouteConfig().GetVirtualHosts()[0].GetRoutes()[0].GetRoute()
	if s.application, _, err = endpoint(b, route.GetCluster()); err != nil {
		return s, err
	}
	var http2 bool
	if s.rolecall, http2, err = endpoint(b, s.filter.GetGrpcService().GetEnvoyGrpc().GetClusterName()); err == nil && !http2 {
		err = errors.New("gRPC without HTTP/2")
	}
	return s, err
}

// endpoint returns the address of a cluster, and whether it is spoken to by HTTP/2.
func endpoint(b *bootstrapv3.Bootstrap, cluster string) (address string, http2 bool, err error) {
	for _, c := range b.GetStaticResources().GetClusters() {
		if c.GetName() != cluster {
			continue
		}
		http2, err := speaksHTTP2(c.GetTypedExtensionProtocolOptions()["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"])
		return hostPort(c.GetLoadAssignment().GetEndpoints()[0].GetLbEndpoints()[0].GetEndpoint().GetAddress()), http2, err
	}
	return "", false, fmt.Errorf("there is no cluster %q", cluster)
}

func speaksHTTP2(options *anypb.Any) (bool, error) {
	if options == nil {
		return false, nil
	}
	o := &upstreamsv3.HttpProtocolOptions{}
	err := options.UnmarshalTo(o)
	return o.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil, err
}

func hostPort(a *corev3.Address) string {
	return fmt.Sprintf("%s:%d", a.GetSocketAddress().GetAddress(), a.GetSocketAddress().GetPortValue())
}
