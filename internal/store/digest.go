// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// digest identifies one version of an object. Their sum identifies a set of
// objects: addition commutes, so it depends on which objects there are and not on
// how they came, and one change costs one hash.
type digest uint64

// digestOf hashes what identifies one version of an object: a change of its spec
// changes the generation, and an object that was made anew has another UID.
func digestOf(kind Kind, obj metav1.Object) digest {
	var room [512]byte
	text := room[:0]
	for _, field := range [...]string{string(kind), obj.GetNamespace(), obj.GetName(), string(obj.GetUID())} {
		text = append(append(text, field...), 0)
	}
	text = strconv.AppendInt(text, obj.GetGeneration(), 10)
	text = strconv.AppendBool(append(text, 0), obj.GetDeletionTimestamp() != nil)
	sum := sha256.Sum256(text)
	return digest(binary.BigEndian.Uint64(sum[:]))
}

// String returns 16 hexadecimal digits.
func (d digest) String() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(d)))
}
