// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// keys admits those who share a secret with the server.
type keys struct {
	callers []keyCaller
	hasher  *hasher
	log     logr.Logger
	ring    atomic.Pointer[ring]
	faults  faults
}

// keyCaller is one of them.
type keyCaller struct {
	caller door.Caller
	file   string
	grant  grant
}

// ring finds keys by the first bytes of their digest.
type ring map[[8]byte]ringKey

type ringKey struct {
	digest digest
	caller *keyCaller
}

// The least and the greatest length of a key in bytes. A short one could be
// guessed.
const (
	minKey = 16
	maxKey = 512
)

var errUnknownKey = invalid("the API key is not known; send one that is in a key file of this server")

func newKeys(c []configv1alpha1.APIKeyCaller, o Options) (*keys, error) {
	k := &keys{hasher: newHasher(), log: o.Logger, callers: make([]keyCaller, len(c))}
	for i := range c {
		k.callers[i] = keyCaller{
			caller: door.Caller{Name: c[i].ID, Method: MethodAPIKey}, file: c[i].KeyFile, grant: newGrant(&c[i].CallerGrant),
		}
	}
	r, faults := k.read()
	for i := range k.callers {
		if err := faults[k.callers[i].file]; err != nil {
			return nil, fmt.Errorf("callers.apiKeys[%d].keyFile: %w", i, err)
		}
	}
	k.ring.Store(&r)
	return k, nil
}

func (k *keys) reread() {
	r, faults := k.read()
	k.ring.Store(&r)
	k.faults.tell(k.log, faults)
}

// read reads all files. A file with a fault has no keys; a key that two callers
// have is none.
func (k *keys) read() (ring, map[string]error) {
	r, faulty := make(ring), make(map[string]error)
	var shared []digest
	for i := range k.callers {
		caller := &k.callers[i]
		secrets, err := readKeys(caller.file)
		if err != nil {
			faulty[caller.file] = err
		}
		for _, secret := range secrets {
			d := k.hasher.sum(secret)
			if other, taken := r[[8]byte(d[:])]; taken && other.caller != caller {
				faulty[caller.file] = fmt.Errorf("%s: %w: %q has one of these keys too, so that it counts for neither",
					caller.file, errNotAFile, other.caller.caller.Name)
				shared = append(shared, d)
			}
			r[[8]byte(d[:])] = ringKey{d, caller}
		}
	}
	for _, d := range shared {
		delete(r, [8]byte(d[:]))
	}
	return r, faulty
}

// readKeys returns the keys in a file, one a line.
func readKeys(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "open ")) // begins with the path
	}
	var secrets []string
	n := 0
	for line := range bytes.Lines(data) {
		n++
		secret := string(bytes.TrimSpace(line))
		switch {
		case secret == "":
			continue
		case len(secret) < minKey, len(secret) > maxKey:
			return nil, fmt.Errorf("%s: %w: the key in line %d has %d bytes; give it %d to %d (`openssl rand -base64 32`)",
				path, errNotAFile, n, len(secret), minKey, maxKey)
		case !isToken(secret), strings.Contains(secret, "."):
			return nil, fmt.Errorf("%s: %w: the key in line %d may have letters, digits and -_~+/= only", path, errNotAFile, n)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s: %w: it holds no key", path, errNotAFile)
	}
	return secrets, nil
}

// admit lets the owner of a key in.
func (k *keys) admit(secret, namespace string, p door.Permission) (door.Caller, error) {
	owner := k.owner(secret)
	if owner == nil {
		return door.Caller{}, errUnknownKey
	}
	return owner.admit(namespace, p)
}

// admitID is admit for a key that comes with the id of its owner.
func (k *keys) admitID(id, secret, namespace string, p door.Permission) (door.Caller, error) {
	owner := k.owner(secret)
	if owner == nil || owner.caller.Name != id {
		return door.Caller{}, errUnknownKey
	}
	return owner.admit(namespace, p)
}

// owner finds whose a key is. How long it takes says nothing of the keys: what is
// looked up is a digest that nobody outside can compute, and it is compared in
// constant time.
func (k *keys) owner(secret string) *keyCaller {
	d := k.hasher.sum(secret)
	found, ok := (*k.ring.Load())[[8]byte(d[:])]
	if !ok || subtle.ConstantTimeCompare(found.digest[:], d[:]) != 1 {
		return nil
	}
	return found.caller
}

func (c *keyCaller) admit(namespace string, p door.Permission) (door.Caller, error) {
	if !c.grant.allows(namespace, p) {
		return door.Caller{}, forbidden(c.caller.Name, namespace, p, "callers.apiKeys of the server's configuration says what it may")
	}
	return c.caller, nil
}
