// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// serveCache is the floor, in a process of its own: a typed cache of the
// RoleBindings without their managed fields, and nothing else but what tells how
// it fares: /readyz and /metrics at the address.
func serveCache(ctx context.Context, kubeconfig, address string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	c, err := cache.New(config, cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	informer, err := c.GetInformer(ctx, &v1alpha1.RoleBinding{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("make the informer: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !informer.HasSynced() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector())
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: time.Second}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return c.Start(ctx) })
	all.Go(func() error {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	all.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	return all.Wait()
}
