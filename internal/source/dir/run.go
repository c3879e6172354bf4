// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/store"
)

// Sink takes what the folder holds; *store.Store is one.
type Sink interface {
	// Replace says that these lists are all the objects there are.
	Replace(lists ...store.List)
	// Touch says that what is in force is what the folder holds.
	Touch()
}

// Options are what Run needs.
type Options struct {
	// Compiler finds the faults of a folder. It is required.
	Compiler *compile.Compiler
	// Namespaces are those whose objects are served; none means all of them. The
	// others are looked at and left out.
	Namespaces []string
	// Logger may be the zero Logger.
	Logger logr.Logger
	// Loaded, if it is not nil, is told of every load, by Run's goroutine.
	Loaded func(Report)
}

// Report is the outcome of a load.
type Report struct {
	// Stale says that the folder could not be taken into force, so that
	// something older is.
	Stale bool
	// Err is why: Faults, or an error of reading the files.
	Err error
	// Faults is everything that is wrong with the folder, also what does not
	// make it stale.
	Faults Faults
	// Objects is how many manifests there are.
	Objects int
	// Skipped is how many documents of other API groups there are.
	Skipped int
}

const (
	// heartbeat is how often Run says that it is in contact with the folder.
	heartbeat = time.Second
	// retry is when Run tries again to watch a folder that is gone.
	retry = time.Second
)

// Run loads a folder into the sink, and again whenever the folder changes. It
// returns an error if the first load is bad, Faults for bad manifests; after
// that only nil, when ctx ends.
func Run(ctx context.Context, path string, sink Sink, opts Options) error {
	loader, err := NewLoader()
	if err != nil {
		return err
	}
	r := &runner{path: path, sink: sink, opts: opts, loader: loader}
	w, err := newWatch(path)
	if err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		w.close()
		return fmt.Errorf("load %s: %w", path, err)
	}
	for r.wait(ctx, w) {
		w.close()
		// The new watch stands before the files are read, so that no change
		// falls between the two.
		if w, err = newWatch(path); err != nil {
			opts.Logger.V(1).Info("the folder cannot be watched", "folder", path, "error", err.Error())
			w = &watch{}
		}
		r.reload(ctx)
	}
	w.close()
	return nil
}

// runner is one Run.
type runner struct {
	path   string
	sink   Sink
	opts   Options
	loader *Loader
	// inForce names the objects in force, and bad what was last wrong.
	inForce, bad string
}

// wait returns true when the folder has changed, or may have, and false when ctx
// has ended. Meanwhile it says that what is in force is what the folder holds, if
// it is.
func (r *runner) wait(ctx context.Context, w *watch) bool {
	if w.notify == nil {
		pause, cancel := context.WithTimeout(ctx, retry)
		defer cancel()
		<-pause.Done()
		return ctx.Err() == nil
	}
	for !r.changed(ctx, w) {
		if ctx.Err() != nil {
			return false
		}
		if r.bad == "" {
			r.sink.Touch()
		}
	}
	w.settle(ctx)
	return ctx.Err() == nil
}

// changed waits for a change, but not for ever.
func (r *runner) changed(ctx context.Context, w *watch) bool {
	beat, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	for {
		select {
		case <-beat.Done():
			return false
		case event := <-w.notify.Events:
			if w.relevant(event) {
				return true
			}
		case err := <-w.notify.Errors:
			// Events were lost, so anything may have changed.
			r.opts.Logger.V(1).Info("changes were lost, reading the folder again", "folder", r.path, "error", fmt.Sprint(err))
			return true
		}
	}
}

// reload takes the folder into force if it can be.
func (r *runner) reload(ctx context.Context) {
	err := r.load(ctx)
	switch {
	case err == nil:
		r.bad = ""
	case err.Error() != r.bad:
		r.bad = err.Error()
		r.opts.Logger.Error(err, "the folder is bad, what was in force before stays so", "folder", r.path)
	}
}

// load reads the folder and takes it into force, or returns why not.
func (r *runner) load(ctx context.Context) error {
	files, err := Read(r.path)
	if err != nil {
		r.report(Report{Stale: true, Err: err})
		return err
	}
	set := r.loader.Load(ctx, files)
	faults := set.Diagnose(r.opts.Compiler)
	report := Report{Faults: faults, Objects: len(set.Manifests), Skipped: len(set.Skipped)}
	if refused := faults.Refused(); len(refused) > 0 {
		report.Stale, report.Err = true, refused
		r.report(report)
		return refused
	}
	r.take(set)
	r.report(report)
	return nil
}

func (r *runner) report(report Report) {
	if r.opts.Loaded != nil {
		r.opts.Loaded(report)
	}
}

// take puts a set into force, if it is not.
func (r *runner) take(set *Set) {
	if next := set.digest(); next != r.inForce {
		r.sink.Replace(set.lists(r.opts.Namespaces)...)
		r.inForce = next
		r.opts.Logger.Info("loaded the folder", "folder", r.path, "objects", len(set.Manifests), "skipped", len(set.Skipped))
	}
	r.sink.Touch()
}

// digest names the objects of a set, whatever their order. It is never empty.
func (s *Set) digest() string {
	ids := make([]string, len(s.Manifests))
	for i, m := range s.Manifests {
		ids[i] = string(m.Object.GetUID())
	}
	slices.Sort(ids)
	return "objects:" + strings.Join(ids, ",")
}

// lists returns the objects of every kind that the namespaces have.
func (s *Set) lists(namespaces []string) []store.List {
	objects := make(map[store.Partition][]metav1.Object)
	for _, m := range s.Manifests {
		for _, namespace := range []string{metav1.NamespaceAll, m.Object.GetNamespace()} {
			p := store.Partition{Kind: store.Kind(m.Kind), Namespace: namespace}
			objects[p] = append(objects[p], m.Object)
		}
	}
	var lists []store.List
	for _, p := range store.Partitions(namespaces) {
		lists = append(lists, store.List{Partition: p, Objects: objects[p]})
	}
	return lists
}
