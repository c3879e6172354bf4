// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"fmt"
	"net"
	"net/url"
	"time"

	noopoteltrace "go.opentelemetry.io/otel/trace/noop"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver"
	crdoptions "k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	generatedopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/openapi"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/component-base/compatibility"
)

const (
	// clientName is who the kubeconfig's token says one is.
	clientName = "rolecall-dev"
	// watchGrace is how long open watches have to end when the server stops;
	// without it they would hold the server up for a minute.
	watchGrace = time.Second
	// shutdownTimeout bounds what is left after that.
	shutdownTimeout = 5 * time.Second
)

// newAPIServer assembles the server of CustomResourceDefinitions and of the
// resources that they define. It takes over the listener when it runs.
func newAPIServer(ln net.Listener, etcdEndpoint string, creds credentials) (*apiserver.CustomResourceDefinitions, error) {
	storage := storageOptions(etcdEndpoint)
	generic, err := genericConfig(storage)
	if err != nil {
		return nil, err
	}
	if err := secure(generic, ln, creds); err != nil {
		return nil, err
	}
	roots := addDiscovery(generic)
	addOpenAPI(generic)
	config := &apiserver.Config{
		GenericConfig: generic,
		ExtraConfig: apiserver.ExtraConfig{
			CRDRESTOptionsGetter: crdoptions.NewCRDRESTOptionsGetter(*storage, generic.ResourceTransformers, generic.StorageObjectCountTracker),
			ServiceResolver:      noServices{},
			AuthResolverWrapper:  webhook.NewDefaultAuthenticationInfoResolverWrapper(nil, nil, generic.LoopbackClientConfig, noopoteltrace.NewTracerProvider()),
		},
	}
	server, err := config.Complete().New(genericapiserver.NewEmptyDelegateWithCustomHandler(roots))
	if err != nil {
		return nil, fmt.Errorf("assemble the API server: %w", err)
	}
	server.GenericAPIServer.ShutdownTimeout = shutdownTimeout
	return server, nil
}

func storageOptions(endpoint string) *genericoptions.EtcdOptions {
	codec := apiserver.Codecs.LegacyCodec(v1beta1.SchemeGroupVersion, apiextensionsv1.SchemeGroupVersion)
	o := genericoptions.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", codec))
	o.StorageConfig.Transport.ServerList = []string{endpoint}
	return o
}

// genericConfig applies what every API server has; what needs a core group
// (priority and fairness, admission, delegated authorization) is left out.
func genericConfig(storage *genericoptions.EtcdOptions) (*genericapiserver.RecommendedConfig, error) {
	c := genericapiserver.NewRecommendedConfig(apiserver.Codecs)
	run := genericoptions.NewServerRunOptions() // sets the effective version
	run.ShutdownWatchTerminationGracePeriod = watchGrace
	if err := run.ApplyTo(&c.Config); err != nil {
		return nil, fmt.Errorf("configure the API server's run: %w", err)
	}
	c.EffectiveVersion = stampedVersion{c.EffectiveVersion}
	if err := storage.ApplyTo(&c.Config); err != nil {
		return nil, fmt.Errorf("configure the API server's storage: %w", err)
	}
	features := genericoptions.NewFeatureOptions()
	features.EnablePriorityAndFairness = false
	if err := features.ApplyTo(&c.Config, nil, nil); err != nil {
		return nil, fmt.Errorf("configure the API server's features: %w", err)
	}
	enabled := genericoptions.NewAPIEnablementOptions()
	if err := enabled.ApplyTo(&c.Config, apiserver.DefaultAPIResourceConfigSource(), apiserver.Scheme); err != nil {
		return nil, fmt.Errorf("configure the API server's groups: %w", err)
	}
	return c, nil
}

// secure makes the server answer over TLS, and only whoever has the token: a
// loopback port is open to every user of the machine.
func secure(c *genericapiserver.RecommendedConfig, ln net.Listener, creds credentials) error {
	cert, err := dynamiccertificates.NewStaticCertKeyContent("rolecall-dev", creds.certPEM, creds.keyPEM)
	if err != nil {
		return fmt.Errorf("load the serving certificate: %w", err)
	}
	c.SecureServing = &genericapiserver.SecureServingInfo{Listener: ln, Cert: cert}
	c.LoopbackClientConfig, err = c.SecureServing.NewLoopbackClientConfig(creds.token, creds.certPEM)
	if err != nil {
		return fmt.Errorf("configure the API server's own client: %w", err)
	}
	tokens := map[string]*user.DefaultInfo{creds.token: {
		Name:   clientName,
		Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated},
	}}
	c.Authentication.Authenticator = authenticatorfactory.NewFromTokens(tokens, nil)
	c.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	return nil
}

// addOpenAPI adds version 2 beside version 3: without it the resources of CRDs
// are in neither.
func addOpenAPI(c *genericapiserver.RecommendedConfig) {
	definitions := openapi.GetOpenAPIDefinitionsWithoutDisabledFeatures(generatedopenapi.GetOpenAPIDefinitions)
	namer := openapinamer.NewDefinitionNamer(apiserver.Scheme, scheme.Scheme)
	c.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	c.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
}

// noServices answers for conversion webhooks, which name services.
type noServices struct{}

// ResolveEndpoint always fails: there are no services here.
func (noServices) ResolveEndpoint(namespace, name string, _ int32) (*url.URL, error) {
	return nil, fmt.Errorf("resolve service %s/%s: the embedded API server has no services", namespace, name)
}

// stampedVersion is a version that clients can parse: the libraries' own is
// stamped in when Kubernetes is built, and this is not Kubernetes' build.
type stampedVersion struct{ compatibility.EffectiveVersion }

// Info is what /version answers: the minor version is that of the libraries,
// the patch is not known.
func (v stampedVersion) Info() *version.Info {
	info := v.EffectiveVersion.Info()
	info.GitVersion = fmt.Sprintf("v%s.%s.0+%s", info.Major, info.Minor, clientName)
	info.GitCommit = ""
	return info
}
