// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// digest is the sum of the hashes of a set of objects. Addition commutes, so it
// depends on which objects there are and not on how they came, and one change
// costs one hash.
type digest [4]uint64

// digestOf hashes what identifies one version of an object: a change of its spec
// changes the generation, and an object that was made anew has another UID.
func digestOf(kind Kind, obj metav1.Object) digest {
	text := make([]byte, 0, 256)
	deleting := obj.GetDeletionTimestamp() != nil
	for _, field := range []string{
		string(kind), obj.GetNamespace(), obj.GetName(), string(obj.GetUID()),
		strconv.FormatInt(obj.GetGeneration(), 10), strconv.FormatBool(deleting),
	} {
		text = append(append(text, field...), 0)
	}
	sum := sha256.Sum256(text)
	var d digest
	for i := range d {
		d[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	return d
}

func (d *digest) add(o digest) {
	for i := range d {
		d[i] += o[i]
	}
}

func (d *digest) remove(o digest) {
	for i := range d {
		d[i] -= o[i]
	}
}

// String returns 16 hexadecimal digits, enough to tell revisions apart.
func (d *digest) String() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, d[0]))
}
