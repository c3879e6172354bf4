// SPDX-License-Identifier: Apache-2.0

package product

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/store"
)

// Live is a store that runs, with the means to wait for what it publishes. Its
// changes are made by one goroutine.
type Live struct {
	store     *store.Store
	published chan struct{}
	stop      context.CancelFunc
	done      chan error
}

// Start runs a store with these objects and returns when they are in force.
func Start(resources, roles, bindings []metav1.Object) (*Live, error) {
	env, err := expr.NewEnv()
	if err != nil {
		return nil, err
	}
	l := &Live{published: make(chan struct{}, 1), done: make(chan error, 1)}
	l.store = store.New(store.Options{Compiler: compile.New(env), Now: time.Now, Observer: l})
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { l.done <- l.store.Run(ctx) }()
	l.store.Replace(
		store.List{Partition: store.Partition{Kind: store.KindResource}, Objects: resources},
		store.List{Partition: store.Partition{Kind: store.KindRole}, Objects: roles},
		store.List{Partition: store.Partition{Kind: store.KindRoleBinding}, Objects: bindings},
		store.List{Partition: store.Partition{Kind: store.KindGroup}},
	)
	<-l.published
	if faults := l.store.Info().Faults; len(faults) > 0 {
		return nil, fmt.Errorf("the store finds faults in the workload: %v", faults)
	}
	return l, nil
}

// Close ends the store and lets go of what it holds.
func (l *Live) Close() error {
	l.stop()
	return <-l.done
}

// Published is the store's Observer.
func (l *Live) Published(store.Info, time.Duration) {
	select {
	case l.published <- struct{}{}:
	default:
	}
}

// Checker returns the policy in force, as a door asks for it.
func (l *Live) Checker() authz.Checker {
	c, err := l.store.Checker()
	if err != nil {
		panic(err) // Start has seen a policy in force
	}
	return c
}

// Put puts an object that changes the policy and returns when checks see it.
func (l *Live) Put(obj metav1.Object) {
	l.change(func() { l.store.Put(obj) })
}

// Delete deletes a RoleBinding and returns when checks see it.
func (l *Live) Delete(namespace, name string) {
	l.change(func() { l.store.Delete(store.KindRoleBinding, namespace, name) })
}

// change waits as a watch does, blocked, so that the writer may have its core.
func (l *Live) change(do func()) {
	select {
	case <-l.published: // an old one
	default:
	}
	before := l.Checker()
	do()
	for l.Checker() == before {
		<-l.published
	}
}
