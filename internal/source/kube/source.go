// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// Sink takes the changes; *store.Store is one. Its methods must be safe for
// concurrent use and must not block for long: the watches wait for them.
type Sink interface {
	Put(obj metav1.Object)
	Delete(kind store.Kind, namespace, name string)
	Replace(lists ...store.List)
	// Touch says that every watch has been heard of.
	Touch()
}

// Options say what to watch.
type Options struct {
	// Namespaces are those to watch; none means all.
	Namespaces []string
	// Logger is told of what is waited for.
	Logger logr.Logger
	// Now is the clock. It is required.
	Now func() time.Time
	// Silence is how long a watch may say nothing, not even that there is no news,
	// before it is given up; zero means three minutes. API servers say so every
	// minute.
	Silence time.Duration
}

func (o *Options) silence() time.Duration { return cmp.Or(o.Silence, 3*time.Minute) }

// listTimeout is how long the answer to a list may take, which is a page. API
// servers give it up after a minute: this ends only what nobody will answer.
const listTimeout = 75 * time.Second

// Run watches until ctx ends, and then returns nil. It returns an error only if
// the configuration makes no client. cfg stays as it is.
func Run(ctx context.Context, cfg *rest.Config, sink Sink, opts Options) error {
	clients, err := newClients(cfg)
	if err != nil {
		return fmt.Errorf("make a client for %s: %w", v1alpha1.GroupVersion, err)
	}
	partitions := store.Partitions(opts.Namespaces)
	c := newContact(sink, opts, len(partitions))
	ctx = klog.NewContext(ctx, libraryLog(opts.Logger))
	var watches wait.Group
	for i, p := range partitions {
		f := &feed{
			partition: p, sink: sink, line: line{contact: c, watch: i, kind: p.Kind}, pulse: &pulse{silence: opts.silence()},
		}
		watches.StartWithContext(ctx, newReflector(clients[p.Kind], f).RunWithContext)
	}
	watches.Wait()
	return nil
}

// libraryLog is where the reflectors log. What matters of it is said by contact,
// once; they would say it at each attempt.
func libraryLog(l logr.Logger) logr.Logger {
	if l.V(1).Enabled() {
		return l
	}
	return logr.Discard()
}

// newClients returns a client for each kind. They share connections.
func newClients(cfg *rest.Config) (map[store.Kind]rest.Interface, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.APIPath = "/apis"
	cfg.GroupVersion = &v1alpha1.GroupVersion
	cfg.QPS = -1    // a handful of long requests, which back off by themselves
	cfg.Timeout = 0 // it would end watches that have nothing to say
	shared, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, err
	}
	clients := map[store.Kind]rest.Interface{}
	for _, kind := range store.Kinds() {
		cfg.NegotiatedSerializer = codec{serializer.NewCodecFactory(scheme).WithoutConversion(), kind}
		if clients[kind], err = rest.RESTClientForConfigAndClient(cfg, shared); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

var errNoAnswer = errors.New("the connection was closed before there was an answer")

// newReflector returns the library's loop for one partition: list, watch from
// there, list again if the server has forgotten where that was.
func newReflector(client rest.Interface, f *feed) *cache.Reflector {
	request := func(o *metav1.ListOptions) *rest.Request {
		return client.Get().Namespace(f.partition.Namespace).Resource(plural(f.partition.Kind)).
			VersionedParams(o, metav1.ParameterCodec)
	}
	list := &pages{ask: func(ctx context.Context, o metav1.ListOptions) rest.Result { return request(&o).Do(ctx) }}
	heard := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			page, err := list.list(ctx, o)
			if err != nil { // a list is heard of when it is whole
				f.line.report(ctx, err)
			}
			return page, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			w, err := request(&o).Watch(f.pulse.begin(ctx))
			_, streams := w.(*watch.StreamWatcher)
			if err == nil && !streams { // how the library says that there was no answer at all
				f.line.report(ctx, errNoAnswer)
				return w, nil
			}
			f.line.report(ctx, err)
			return w, err
		},
	}
	r := cache.NewReflectorWithOptions(Paged(heard, strip), example(f.partition.Kind), f, cache.ReflectorOptions{
		Name:    "rolecall",
		Backoff: patience(),
	})
	r.WatchListPageSize = pageSize
	return r
}

// patience returns how long to wait after each failure: soon long enough not to
// hurt a server that is coming up, never so long that people wonder.
func patience() *wait.Backoff {
	return &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Cap: time.Second, Steps: 10}
}

// plural returns the name of the kind in URLs.
func plural(k store.Kind) string {
	switch k {
	case store.KindResource:
		return "resources"
	case store.KindRole:
		return "roles"
	case store.KindRoleBinding:
		return "rolebindings"
	case store.KindGroup:
		return "groups"
	}
	return ""
}

// example returns an object of the type that the kind's watch delivers.
func example(k store.Kind) runtime.Object {
	switch k {
	case store.KindResource:
		return &v1alpha1.Resource{}
	case store.KindRole:
		return &v1alpha1.Role{}
	case store.KindRoleBinding:
		return &v1alpha1.RoleBinding{}
	case store.KindGroup:
		return &v1alpha1.Group{}
	}
	return nil
}
