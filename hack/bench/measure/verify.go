// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"fmt"
	"slices"
	"time"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

const (
	// verifyLimit is how long slow engines are compared.
	verifyLimit   = 2 * time.Second
	verifyRoles   = 1024
	verifyChanges = 32
)

// verify compares the answers with the oracle's.
func (r *run) verify(read engine.Reader) error {
	if _, marker := r.engine.(engine.Marker); marker {
		return nil
	}
	start := time.Now()
	for i := range min(r.Verify, len(r.requests)) {
		q := &r.requests[i]
		if got := read(i); got != q.Allowed {
			return fmt.Errorf("request %d %+v: the engine says %t", i, *q, got)
		}
		if time.Since(start) > verifyLimit {
			break
		}
	}
	return r.verifyRoles()
}

// verifyRoles compares the roles that grant.
func (r *run) verifyRoles() error {
	roler, ok := r.engine.(engine.Roler)
	if !ok {
		return nil
	}
	for i := range min(verifyRoles, r.Verify, len(r.requests)) {
		q := &r.requests[i]
		if got, want := roler.Roles(q), r.set.GrantingNames(q); !slices.Equal(got, want) {
			return fmt.Errorf("request %d %+v: the engine says that it is granted by %q, not by %q", i, *q, got, want)
		}
	}
	return nil
}

// verifyChanges changes assignments there and back, and demands that the next
// check sees it each time.
func (r *run) verifyChanges(users []int) error {
	if _, marker := r.engine.(engine.Marker); marker {
		return nil
	}
	start := time.Now()
	for _, user := range users[:min(verifyChanges, len(users))] {
		if time.Since(start) > verifyLimit {
			break
		}
		from := r.set.Of(user)[0]
		to := workload.Assignment{Role: r.set.Spare(user), Scope: from.Scope}
		requests := []workload.Request{r.set.Aimed(user, from), r.set.Aimed(user, to)}
		read := r.engine.Reader(requests)
		for _, change := range [][2]workload.Assignment{{from, to}, {to, from}} {
			r.engine.Change(user, change[0], change[1])()
			r.set.Of(user)[0] = change[1]
			for i := range requests {
				q := &requests[i]
				if want := len(r.set.GrantingNames(q)) > 0; read(i) != want {
					return fmt.Errorf("after the change from %+v to %+v, request %+v: the engine says %t", change[0], change[1], *q, !want)
				}
			}
		}
	}
	return nil
}
