// SPDX-License-Identifier: Apache-2.0

package policy

// numbering gives each name a small number for as long as somebody holds it.
// The number of a name that nobody holds goes to another one. It belongs to the
// writer; snapshots never see it change.
type numbering[K comparable] struct {
	numbers map[K]uint32
	names   []K
	refs    []uint32
	free    []uint32
}

// hold returns the number of a name, and whether it is new. It is to be released
// once for each time it is held.
func (n *numbering[K]) hold(name K) (number uint32, fresh bool) {
	number, known := n.numbers[name]
	if known {
		n.refs[number]++
		return number, false
	}
	if n.numbers == nil {
		n.numbers = make(map[K]uint32)
	}
	if last := len(n.free) - 1; last >= 0 {
		number, n.free = n.free[last], n.free[:last]
	} else {
		number = uint32(len(n.names))
		var none K
		n.names, n.refs = append(n.names, none), append(n.refs, 0)
	}
	n.numbers[name], n.names[number], n.refs[number] = number, name, 1
	return number, true
}

// again holds a number that is held already, some more times.
func (n *numbering[K]) again(number uint32, times int) {
	n.refs[number] += uint32(times)
}

// release undoes one hold, and reports whether it was the last.
func (n *numbering[K]) release(number uint32) (name K, gone bool) {
	name = n.names[number]
	n.refs[number]--
	if n.refs[number] > 0 {
		return name, false
	}
	var none K
	delete(n.numbers, name)
	n.names[number] = none
	n.free = append(n.free, number)
	return name, true
}
