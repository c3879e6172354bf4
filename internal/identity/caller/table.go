// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/rolecall/rolecall/internal/door"
)

// digest stands for a secret, and what was asked with it.
type digest [sha256.Size]byte

// hasher makes digests with a key that no other process has, so that nobody can
// choose where one comes to lie or compute it from outside.
type hasher struct {
	key     [sha256.Size]byte
	buffers sync.Pool
}

func newHasher() *hasher {
	h := &hasher{buffers: sync.Pool{New: func() any { return new([]byte) }}}
	_, _ = rand.Read(h.key[:]) // never fails
	return h
}

// sum returns the digest of texts, which is another one wherever one of them
// ends elsewhere.
func (h *hasher) sum(texts ...string) digest {
	buffer, _ := h.buffers.Get().(*[]byte)
	b := append((*buffer)[:0], h.key[:]...)
	for _, text := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	d := sha256.Sum256(b)
	clear(b)
	*buffer = b
	h.buffers.Put(buffer)
	return d
}

// user is whose a token is, as the API server says.
type user = authenticationv1.UserInfo

// entry is what a review found out. It does not change.
type entry struct {
	key digest
	// until is the end of the time in which it is good without another review.
	until time.Time
	// lapses is the end of the time in which it is good while no review can be
	// made; zero for a refusal.
	lapses time.Time
	caller door.Caller
	// refusal is nil for who is let in.
	refusal *door.Error
	// user is whose a token is, in the table of tokens.
	user *user
	// grant is what a token itself says that its bearer may.
	grant *grant
}

// ways is how many entries have to share a place before one has to go.
const ways = 8

// table remembers entries by their digest: a bounded number of them, without a
// lock. A digest belongs to one set of places; that it cannot be chosen keeps the
// sets even.
type table struct {
	sets [1024][ways]atomic.Pointer[entry]
}

func (t *table) set(key digest) *[ways]atomic.Pointer[entry] {
	return &t.sets[int(binary.BigEndian.Uint16(key[:]))%len(t.sets)]
}

// get returns the entry with a digest, good or not, or nil.
func (t *table) get(key digest) *entry {
	set := t.set(key)
	for i := range set {
		if e := set[i].Load(); e != nil && e.key == key {
			return e
		}
	}
	return nil
}

// put takes an entry in, in place of the one with its digest or else of the one
// that is missed least, if that is missed less. Of two at once one may be lost, and
// is reviewed again.
func (t *table) put(e *entry, now time.Time) {
	set := t.set(e.key)
	victim, least := -1, e.worth(now)
	for i := range set {
		old := set[i].Load()
		if old == nil || old.key == e.key {
			set[i].Store(e)
			return
		}
		if worth := old.worth(now); worth <= least {
			victim, least = i, worth
		}
	}
	if victim >= 0 {
		set[victim].Store(e)
	}
}

// worth is how much an entry is missed: as long as it may be good for. A refusal is
// worth nothing, so that no flood of bad tokens displaces a good one.
func (e *entry) worth(now time.Time) time.Duration {
	return max(0, e.lapses.Sub(now))
}
