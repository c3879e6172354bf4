// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
)

// Kind is a kind of object that makes policy.
type Kind string

// The kinds.
const (
	KindResource    Kind = "Resource"
	KindRole        Kind = "Role"
	KindRoleBinding Kind = "RoleBinding"
	KindGroup       Kind = "Group"
)

// Kinds returns the kinds in the order in which people read them.
func Kinds() []Kind {
	return []Kind{KindResource, KindRole, KindRoleBinding, KindGroup}
}

// Partition is what one watch sees: the objects of a kind, in one namespace or,
// if Namespace is empty, in all.
type Partition struct {
	Kind      Kind
	Namespace string
}

// Partitions returns the partitions that watch every kind in the given
// namespaces; no namespace means all of them.
func Partitions(namespaces []string) []Partition {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	var ps []Partition
	for _, ns := range namespaces {
		for _, k := range Kinds() {
			ps = append(ps, Partition{Kind: k, Namespace: ns})
		}
	}
	return ps
}

// List is all the objects of a partition at one moment.
type List struct {
	Partition
	Objects []metav1.Object
}

// Observer is told of every publication, by whoever makes it and before the next;
// it must not block.
type Observer interface {
	// Published says what is in force now, and how long the oldest of the
	// events that it is made of has waited since it arrived.
	Published(info Info, eventToVisible time.Duration)
}

// Options are what a store needs.
type Options struct {
	// Compiler compiles the objects. It is required.
	Compiler *compile.Compiler
	// Now is the clock. It is required.
	Now func() time.Time
	// Namespaces are those whose objects the sources watch; none means all.
	Namespaces []string
	// MaxAge, if it is not zero, is how old the last contact of a source may be
	// before the store says that it is not ready.
	MaxAge time.Duration
	// Observer may be nil.
	Observer Observer
}

// Store turns changes into snapshots. Its methods are safe for concurrent use.
type Store struct {
	options Options
	current atomic.Pointer[published]
	_       [128]byte    // every check reads what is above, every event writes what is below
	contact atomic.Int64 // the last Touch, in nanoseconds since 1970

	// turn is held by whoever writes: the writer's goroutine, or one that has a lone
	// change. It is taken before mu, or tried while mu is held.
	turn   sync.Mutex
	writer *writer

	mu    sync.Mutex
	queue []event
	live  bool // Run is at work
	// wake has room for one: a full queue needs one wake-up.
	wake chan struct{}
}

// published is one publication.
type published struct {
	snapshot *policy.Snapshot
	info     Info
}

// New returns a store that is empty and not ready; Run makes it live.
func New(o Options) *Store {
	s := &Store{options: o, wake: make(chan struct{}, 1)}
	s.writer = newWriter(&s.options)
	return s
}

// Put says that an object was added or changed. The store may read it later; it
// must not be changed any more. Objects of other kinds are ignored. A RoleBinding
// that comes while nothing else waits is in force when Put returns.
func (s *Store) Put(obj metav1.Object) {
	s.push(event{put: obj}, kindOf(obj) == KindRoleBinding)
}

// Delete says that an object is gone. It is out of force when Delete returns as Put
// would have brought it in.
func (s *Store) Delete(kind Kind, namespace, name string) {
	s.push(event{gone: objectKey{kind, namespace, name}}, kind == KindRoleBinding)
}

// Replace says that these lists are all the objects of their partitions. They
// are published as one snapshot. A list holds objects of its partition only; the
// store takes the slice over.
func (s *Store) Replace(lists ...List) {
	s.push(event{lists: lists}, false)
}

// Touch says that the source is in contact with all that it watches. An object
// that arrives does not say that: the watch of another kind may be dead.
func (s *Store) Touch() {
	s.contact.Store(s.options.Now().UnixNano())
}

// push queues an event, or applies it at once if it is cheap and nobody is at work:
// waking the writer would take longer than what a RoleBinding costs. What costs more
// is left to the writer, so that the source goes on reading and a queue can build up
// that is published as one.
func (s *Store) push(e event, cheap bool) {
	e.arrived = s.options.Now()
	s.mu.Lock()
	if cheap && s.live && len(s.queue) == 0 && s.turn.TryLock() {
		s.mu.Unlock()
		defer s.turn.Unlock()
		s.apply([]event{e})
		return
	}
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// maxBatch caps how many events one publication waits for while they keep
// coming.
const maxBatch = 1024

// take removes up to maxBatch events from the queue, and says whether more are
// left.
func (s *Store) take() (batch []event, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), maxBatch)
	batch, s.queue = s.queue[:n:n], s.queue[n:]
	if len(s.queue) == 0 {
		s.queue = nil // the batch owns the memory, and with it the objects
	}
	return batch, len(s.queue) > 0
}

// Run makes the store live. It publishes each change as soon as it is idle, and
// batches only what has queued up meanwhile. It returns nil when ctx ends; it must be
// called once.
func (s *Store) Run(ctx context.Context) error {
	s.setLive(true)
	defer s.setLive(false)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			s.drain(ctx)
		}
	}
}

func (s *Store) setLive(live bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live = live
}

// drain publishes what is queued, until nothing is or ctx ends. Its turn comes before
// it takes anything out, so that nothing overtakes what it has taken.
func (s *Store) drain(ctx context.Context) {
	s.turn.Lock()
	defer s.turn.Unlock()
	for more := true; more && ctx.Err() == nil; {
		var batch []event
		batch, more = s.take()
		s.apply(batch)
	}
}

// apply takes a batch in and publishes what it makes, unless it changes nothing
// or not every partition has been listed yet. Whoever calls it has the turn.
func (s *Store) apply(batch []event) {
	changed := false
	for i := range batch {
		changed = s.writer.apply(&batch[i]) || changed
	}
	if !changed || !s.writer.complete() {
		return
	}
	now := s.options.Now()
	p := s.writer.publish(now)
	s.current.Store(p)
	if s.options.Observer != nil {
		s.options.Observer.Published(p.info, now.Sub(batch[0].arrived))
	}
}

// Checker returns the policy in force, or an error that wraps authz.ErrNotReady.
// It takes no lock and allocates nothing.
func (s *Store) Checker() (authz.Checker, error) {
	p := s.current.Load()
	if p == nil {
		return nil, errNotListed
	}
	if limit := s.options.MaxAge; limit > 0 && s.Age() > limit {
		return nil, errTooOld
	}
	return p.snapshot, nil
}

var (
	errNotListed = fmt.Errorf("%w: the objects have not all been read yet", authz.ErrNotReady)
	errTooOld    = fmt.Errorf("%w: the last contact with the source of the policy is longer ago than maxSnapshotAge", authz.ErrNotReady)
)

// Age returns how long ago the last Touch was; zero if there was none.
func (s *Store) Age() time.Duration {
	contact := s.contact.Load()
	if contact == 0 {
		return 0
	}
	return max(0, s.options.Now().Sub(time.Unix(0, contact)))
}

// Info describes what is in force. Its maps must not be changed.
type Info struct {
	// Ready says that a policy has been published.
	Ready bool
	// Revision is the digest of the objects: equal for equal objects.
	Revision string
	// Published is when.
	Published time.Time
	// Objects is how many of each kind there are.
	Objects map[Kind]int
	// Faults is how many faults there are by reason: those of the compiler on
	// every object, and those of the linker on roles and groups.
	Faults map[string]int
}

// Info returns what is in force.
func (s *Store) Info() Info {
	if p := s.current.Load(); p != nil {
		return p.info
	}
	return Info{}
}
