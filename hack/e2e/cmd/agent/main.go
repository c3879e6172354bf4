// SPDX-License-Identifier: Apache-2.0

// Command agent runs the agent of the end-to-end tests in a pod.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/hack/e2e/agent"
)

func main() {
	var o agent.Options
	flag.StringVar(&o.Server, "server", "", "`URL` of the Service")
	flag.StringVar(&o.GRPC, "grpc", "", "`host:port` of the Service for gRPC")
	flag.StringVar(&o.Authorities.Namespace, "authorities-namespace", "", "`namespace` of the ConfigMap with the authorities of its certificate")
	flag.StringVar(&o.Authorities.Name, "authorities", "", "`name` of that ConfigMap")
	flag.StringVar(&o.TokenFile, "token-file", "", "`file` with the caller's token")
	flag.Parse()
	if err := serve(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, o agent.Options) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, corev1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	config.QPS = -1 // it waits for an answer before it writes again
	if o.Kube, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	a, err := agent.New(ctx, o)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: ":8000", Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
