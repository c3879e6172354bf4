// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
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
	// workers is how many objects of a kind are judged at once. A worker mostly
	// waits for the answer to its write.
	workers = 4
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
	if err := mgr.Add(&starter{mgr: mgr, deps: deps}); err != nil {
		return fmt.Errorf("add the controllers: %w", err)
	}
	return nil
}

// starter adds the controllers when they can work. Adding them before would
// start their informers on every replica, and fail without the definitions.
type starter struct {
	mgr  manager.Manager
	deps Deps
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
	for _, add := range []func() error{s.addResources, s.addRoles, s.addRoleBindings} {
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
		for _, kind := range []string{"Resource", "Role", "RoleBinding"} {
			gk := schema.GroupKind{Group: v1alpha1.Group, Kind: kind}
			if _, err := s.mgr.GetRESTMapper().RESTMapping(gk, v1alpha1.GroupVersion.Version); err != nil {
				return false, nil //nolint:nilerr // absent or away: both pass
			}
		}
		return true, nil
	})
	return err == nil
}

func (s *starter) desk() desk {
	return desk{client: s.mgr.GetClient(), compiler: s.deps.Compiler, recorder: s.deps.Recorder, now: s.deps.Now}
}

func (s *starter) addResources() error {
	return s.controller(&v1alpha1.Resource{}).
		Watches(&v1alpha1.Resource{}, s.fanOut(resourceClaimants, comesOrGoes)).
		Complete(&resourceReconciler{s.desk()})
}

func (s *starter) addRoles() error {
	bindings := newTally()
	return s.controller(&v1alpha1.Role{}).
		Watches(&v1alpha1.Resource{}, s.fanOut(rolesNamingType, declaresOtherwise)).
		Watches(&v1alpha1.Role{}, s.fanOut(roleClaimants, comesOrGoes)).
		Watches(&v1alpha1.Role{}, s.fanOut(inheritors, inheritsOtherwise)).
		WatchesRawSource(source.Kind(s.mgr.GetCache(), &v1alpha1.RoleBinding{}, s.count(bindings))).
		Complete(&roleReconciler{desk: s.desk(), bindings: bindings})
}

func (s *starter) addRoleBindings() error {
	return s.controller(&v1alpha1.RoleBinding{}).
		Watches(&v1alpha1.Role{}, s.fanOut(bindingsOfRole, comesOrGoes)).
		Watches(&v1alpha1.Resource{}, s.fanOut(bindingsNamingType, comesOrGoes)).
		Complete(&bindingReconciler{s.desk()})
}

// controller begins a controller of the kind. Every event of the object itself
// counts, also that of a status: so a status that somebody else has changed is
// put right, and a write that was refused because the object had changed is
// tried again.
func (s *starter) controller(kind client.Object) *builder.Builder {
	skipNameValidation := true // a second manager of the process uses the names again
	return ctrl.NewControllerManagedBy(s.mgr).For(kind).WithOptions(controller.Options{
		MaxConcurrentReconciles: workers,
		CacheSyncTimeout:        syncPatience,
		SkipNameValidation:      &skipNameValidation,
	})
}
