// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/controllers"
	"github.com/rolecall/rolecall/internal/source/kube"
)

// lead writes status while this replica leads. A manager ends when it loses the
// lead, and that happens whenever the API server is away for long; the data path
// must not end with it, so another manager takes its place.
func (r *rooms) lead(ctx context.Context) error {
	log := r.Logger.WithName("controllers")
	// What the library says as an error, it says at each of its attempts.
	library := Sparing(r.Logger, r.Now).V(verbose).WithName("controller-runtime")
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		err := r.runManager(ctx, library)
		if err != nil && ctx.Err() == nil {
			log.Info("status is not written for now; trying again", "cause", err.Error())
		}
	}, retryLead)
	return nil
}

// retryLead is the pause before another manager is started, in which another
// replica may take the lead.
const retryLead = 2 * time.Second

func (r *rooms) runManager(ctx context.Context, library logr.Logger) error {
	mgr, err := r.newManager(library)
	if err != nil {
		return err
	}
	deps := controllers.Deps{Compiler: r.compiler, Now: r.Now}
	if r.LogEvents {
		deps.Recorder = controllers.LogEvents(r.Logger.WithName("events"))
	}
	if err := controllers.SetupAll(mgr, deps); err != nil {
		return err
	}
	if err := r.keepCertificates(mgr); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func (r *rooms) newManager(library logr.Logger) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	election := r.Config.LeaderElection
	mgr, err := ctrl.NewManager(managerConfig(r.Kube), ctrl.Options{
		Scheme:                        scheme,
		Logger:                        library,
		Metrics:                       metricsserver.Options{BindAddress: "0"}, // the server has its own
		LeaderElection:                *election.Enabled,
		LeaderElectionID:              election.Name,
		LeaderElectionNamespace:       election.Namespace,
		LeaderElectionReleaseOnCancel: true,
		Cache:                         cacheOptions(r.Config.Namespaces),
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	return mgr, nil
}

// managerConfig leaves the pace to the controllers, which find it by what the
// server can do.
func managerConfig(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	c.QPS = -1
	return c
}

// cacheOptions keep what the controllers need of the objects, and list as the
// data path does.
func cacheOptions(namespaces []string) cache.Options {
	trim := controllers.NewTrim()
	return cache.Options{
		DefaultTransform:  trim,
		DefaultNamespaces: cachedNamespaces(namespaces),
		NewInformer: func(
			lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers,
		) toolscache.SharedIndexInformer {
			return toolscache.NewSharedIndexInformer(kube.Paged(lw, trim), example, resync, indexers)
		},
	}
}

// cachedNamespaces returns the namespaces to cache; nil is all of them.
func cachedNamespaces(names []string) map[string]cache.Config {
	if len(names) == 0 {
		return nil
	}
	m := make(map[string]cache.Config, len(names))
	for _, name := range names {
		m[name] = cache.Config{}
	}
	return m
}
