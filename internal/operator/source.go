// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"

	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/source/kube"
)

// source feeds the store until ctx ends.
func (r *rooms) source(ctx context.Context) error {
	log := r.Logger.WithName("source")
	if r.Kube == nil {
		return dir.Run(ctx, r.Dir, r.store, dir.Options{
			Compiler: r.compiler, Namespaces: r.Config.Namespaces, Logger: log,
			Loaded: func(report dir.Report) { r.metrics.FolderStale(report.Stale) },
		})
	}
	return kube.Run(ctx, r.Kube, r.store, kube.Options{Namespaces: r.Config.Namespaces, Logger: log, Now: r.Now})
}

// registerMetrics adds the metrics that are read rather than counted.
func (r *rooms) registerMetrics() error {
	if err := r.metrics.SnapshotAge(r.store.Age); err != nil {
		return err
	}
	if err := r.decisions.register(r.metrics); err != nil {
		return err
	}
	if err := r.metrics.Register(collectors.NewGoCollector()); err != nil {
		return err
	}
	return r.metrics.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}
