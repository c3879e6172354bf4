// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/certs"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/caller"
	"github.com/rolecall/rolecall/internal/identity/session"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/store"
)

// Options say what to run.
type Options struct {
	// Config is a valid configuration with its defaults filled in.
	Config *configv1alpha1.ServerConfiguration
	// Kube is the API server whose objects are served. It or Dir is required.
	Kube *rest.Config
	// Dir is the folder whose objects are served, if there is no API server.
	Dir string
	// LogEvents writes events to the log, for an API server that has none.
	LogEvents bool
	// Logger is for everything but requests, which are never logged.
	Logger logr.Logger
	// Stdout is where the decision log goes if the configuration asks for one and
	// names no file.
	Stdout io.Writer
	// Now is the clock.
	Now func() time.Time
	// Started, if it is not nil, is called once every listener is open; checks
	// may still be answered with "not ready".
	Started func(server.Addresses)
}

// defaultNamespace is meant by requests without a namespace when the objects
// come from a folder, and is that of objects which name none.
const defaultNamespace = "default"

// Run serves until ctx ends, and returns nil after an orderly end. A listener
// that cannot be opened, or a folder that cannot be loaded, ends it at once.
func Run(ctx context.Context, o Options) error {
	r, err := newRooms(&o)
	if err != nil {
		return err
	}
	if err := r.server.Listen(ctx); err != nil {
		return errors.Join(err, r.decisions.close())
	}
	if o.Started != nil {
		o.Started(r.server.Addresses())
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return r.store.Run(ctx) })
	served, end := context.WithCancel(context.WithoutCancel(ctx))
	all.Go(func() error {
		defer end()
		return r.server.Run(ctx)
	})
	all.Go(func() error { return r.decisions.run(served, o.Config.Timeouts.Drain.Duration) })
	all.Go(func() error { return r.sessions.Run(ctx) })
	all.Go(func() error {
		r.gate.Run(ctx)
		return nil
	})
	all.Go(func() error {
		r.followCertificates(ctx)
		return nil
	})
	all.Go(func() error { return r.source(ctx) })
	all.Go(func() error {
		if r.settled(ctx) && o.Kube != nil {
			return r.lead(ctx)
		}
		return nil
	})
	return all.Wait()
}

// settled waits for the first snapshot, or returns false when ctx ends. A replica
// that cannot serve should not lead, and the controllers' lists would delay its
// own. What it has read has left garbage behind, many times what is live; with
// nothing else to do the runtime would keep it for minutes.
func (r *rooms) settled(ctx context.Context) bool {
	err := wait.PollUntilContextCancel(ctx, readyPoll, true, func(context.Context) (bool, error) {
		return r.store.Info().Ready, nil
	})
	if err != nil {
		return false
	}
	debug.FreeOSMemory()
	return true
}

// readyPoll is how often it is asked whether there is a snapshot.
const readyPoll = 100 * time.Millisecond

// rooms are the parts that run together.
type rooms struct {
	*Options
	compiler *compile.Compiler
	metrics  *metrics.Metrics
	store    *store.Store
	sessions *session.Sessions
	gate     *caller.Gate
	server   *server.Server
	// certificates is nil if none is generated.
	certificates *certs.Holder
	// decisions is nil if they are not written down.
	decisions *decisions
}

func newRooms(o *Options) (*rooms, error) {
	if faults := config.CheckSource(o.Config, o.Kube != nil); len(faults) > 0 {
		return nil, fmt.Errorf("configuration: %w", faults.ToAggregate())
	}
	env, err := expr.NewEnv()
	if err != nil {
		return nil, fmt.Errorf("make the CEL environment: %w", err)
	}
	counters, err := metrics.New(doors()...)
	if err != nil {
		return nil, err
	}
	r := &rooms{Options: o, compiler: compile.New(env), metrics: counters}
	r.store = store.New(store.Options{
		Compiler:   r.compiler,
		Now:        o.Now,
		Namespaces: o.Config.Namespaces,
		MaxAge:     r.maxAge(),
		Observer:   counters,
	})
	if r.decisions, err = o.openDecisions(); err != nil {
		return nil, err
	}
	if err := r.registerMetrics(); err != nil {
		return nil, err
	}
	r.sessions, err = session.New(session.Options{
		Namespaces: o.Config.Sessions, Conditions: env, Now: o.Now, Meter: counters,
		Logger: o.Logger.WithName("sessions"),
	})
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := r.openGate(); err != nil {
		return nil, err
	}
	if err := r.openCertificates(); err != nil {
		return nil, err
	}
	if err := counters.IssuerKeys(r.issuerKeys); err != nil {
		return nil, err
	}
	if err := r.openServer(); err != nil {
		return nil, err
	}
	return r, counters.CertificatesNotAfter(r.certificatesNotAfter)
}

// openServer makes the listeners of all that is open.
func (r *rooms) openServer() error {
	readers, err := r.metricsGate()
	if err != nil {
		return err
	}
	webhook, err := r.admission()
	if err != nil {
		return err
	}
	routes, services := r.open()
	r.server = server.New(server.Options{
		Config:   r.Config,
		Routes:   routes,
		Services: services,
		Provider: r.store,
		Counter:  func(name string) server.Counter { return r.metrics.Door(name) },
		Metrics:  r.metrics.Handler(),
		Logger:   r.Logger.WithName("server"),

		ClientCAs: r.clientCAs(),
		Generated: r.generated(),

		MetricsGate: readers,
		Admission:   webhook,
	})
	return nil
}

// maxAge is how long ago the last contact may be. A folder is always in reach.
func (o *Options) maxAge() time.Duration {
	if o.Kube == nil {
		return 0
	}
	return o.Config.MaxSnapshotAge.Duration
}
