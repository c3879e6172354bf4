// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/compile"
)

const (
	// discoveryPoll is how often the API is asked whether it serves the kinds.
	discoveryPoll = time.Second
	// syncPatience is how long the caches may take to fill: as long as it takes.
	// The default would end the process, and with it the data path, for a list
	// that is refused.
	syncPatience = 365 * 24 * time.Hour
	// workers is how many objects of a kind are judged at once, and thus how
	// much CPU a backlog takes from the data path. More would wait for a turn to
	// write.
	workers = turns
)

// Deps are what the controllers need besides the manager.
type Deps struct {
	// Compiler is the data path's. It is required.
	Compiler *compile.Compiler
	// Now is the clock. It is required.
	Now func() time.Time
	// Recorder takes the events; nil means the manager's, which writes to the
	// API. See LogEvents for an API without events.
	Recorder events.EventRecorder
}

// SetupAll adds the controllers to a manager. They and their informers come to
// life once the manager leads and the API serves the kinds; until then they wait
// without an error. The manager's scheme must know the kinds. More than one
// manager of a process may have them.
func SetupAll(mgr manager.Manager, deps Deps) error {
	if deps.Recorder == nil {
		deps.Recorder = mgr.GetEventRecorder("rolecall")
	}
	if err := mgr.Add(&starter{mgr: mgr, deps: deps, pace: newPace(deps.Now)}); err != nil {
		return fmt.Errorf("add the controllers: %w", err)
	}
	return nil
}

// starter adds the controllers when they can work. Adding them before would
// start their informers on every replica, and fail without the definitions.
type starter struct {
	mgr  manager.Manager
	deps Deps
	pace *pace
}

// NeedLeaderElection makes the manager wait for the lead before Start.
func (s *starter) NeedLeaderElection() bool { return true }

// Start waits for the kinds, then adds the indexes and the controllers.
func (s *starter) Start(ctx context.Context) error {
	if !s.served(ctx) {
		return nil
	}
	if err := addIndexes(ctx, s.mgr.GetFieldIndexer()); err != nil {
		return err
	}
	for _, add := range []func() error{s.addResources, s.addRoles, s.addRoleBindings, s.addGroups} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// served waits until the API serves the kinds, or returns false when ctx ends.
// The data path waits for the same and tells people.
func (s *starter) served(ctx context.Context) bool {
	err := wait.PollUntilContextCancel(ctx, discoveryPoll, true, func(context.Context) (bool, error) {
		for _, kind := range []string{"Resource", "Role", "RoleBinding", "Group"} {
			gk := schema.GroupKind{Group: v1alpha1.GroupName, Kind: kind}
			if _, err := s.mgr.GetRESTMapper().RESTMapping(gk, v1alpha1.GroupVersion.Version); err != nil {
				return false, nil //nolint:nilerr // absent or away: both pass
			}
		}
		return true, nil
	})
	return err == nil
}

func (s *starter) desk() desk {
	return desk{
		client: s.mgr.GetClient(), pace: s.pace,
		compiler: s.deps.Compiler, recorder: s.deps.Recorder, now: s.deps.Now,
	}
}

func (s *starter) addResources() error {
	tables := newTables()
	return s.add("resource", &resourceReconciler{s.desk(), tables},
		s.own(&v1alpha1.Resource{}),
		s.watch(&v1alpha1.Resource{}, tables.fanOut(s.fanOut(routed, routesOtherwise))),
		s.watch(&v1alpha1.Resource{}, s.fanOut(resourceClaimants, comesOrGoes)))
}

func (s *starter) addRoles() error {
	bindings := newTally(s.deps.Now)
	return s.add("role", &roleReconciler{desk: s.desk(), bindings: bindings},
		s.own(&v1alpha1.Role{}),
		s.watch(&v1alpha1.Resource{}, s.fanOut(rolesNamingType, declaresOtherwise)),
		s.watch(&v1alpha1.Role{}, s.fanOut(roleClaimants, comesOrGoes)),
		s.watch(&v1alpha1.Role{}, s.fanOut(inheritors, inheritsOtherwise)),
		source.Kind(s.mgr.GetCache(), &v1alpha1.RoleBinding{}, bindings.handler()),
		source.Func(s.recount(bindings)))
}

func (s *starter) addRoleBindings() error {
	return s.add("rolebinding", &bindingReconciler{s.desk()},
		s.own(&v1alpha1.RoleBinding{}),
		s.watch(&v1alpha1.Role{}, s.fanOut(bindingsOfRole, comesOrGoes)),
		s.watch(&v1alpha1.Resource{}, s.fanOut(bindingsNamingType, fitsOtherwise)))
}

func (s *starter) addGroups() error {
	return s.add("group", &groupReconciler{s.desk()},
		s.own(&v1alpha1.Group{}),
		s.watch(&v1alpha1.Group{}, s.fanOut(groupClaimants, comesOrGoes)),
		s.watch(&v1alpha1.Group{}, s.fanOut(containers, membersOtherwise)),
		s.watch(&v1alpha1.Resource{}, s.fanOut(groupsNamingType, comesOrGoes)))
}

// own watches the objects that a controller judges. Every event of the object
// itself counts, also that of a status: so a status that somebody else has
// changed is put right, and a write that was refused because the object had
// changed is tried again.
func (s *starter) own(kind client.Object) source.Source {
	return s.watch(kind, &handler.EnqueueRequestForObject{})
}

func (s *starter) watch(kind client.Object, h handler.EventHandler) source.Source {
	return source.Kind(s.mgr.GetCache(), kind, h)
}

// add gives the manager a controller that knows all its watches. The library's
// builder adds the watches afterwards, and the manager runs already: the work
// would begin before they have delivered their first lists, and what came
// meanwhile would be taken for part of one (see fanOut).
func (s *starter) add(name string, r reconcile.Reconciler, watches ...source.Source) error {
	options := controller.Options{
		Reconciler:              r,
		Logger:                  s.mgr.GetLogger(),
		MaxConcurrentReconciles: workers,
		CacheSyncTimeout:        syncPatience,
		SkipNameValidation:      new(true), // a second manager of the process uses the names again
	}
	options.DefaultFromConfig(s.mgr.GetControllerOptions())
	c, err := controller.NewUnmanaged(name, options)
	if err != nil {
		return fmt.Errorf("make the controller %s: %w", name, err)
	}
	for _, w := range watches {
		if err := c.Watch(w); err != nil {
			return fmt.Errorf("add a watch to the controller %s: %w", name, err)
		}
	}
	return s.mgr.Add(c)
}
