// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/rolecall/rolecall/internal/persist"
)

// instanceNumbers is the instances that bindings name, by type and id, with their
// numbers. It never changes.
type instanceNumbers = persist.Map[string, *persist.Map[string, uint32]]

var noInstances = persist.NewMap[string, *persist.Map[string, uint32]](persist.Hash)

// catalogue is what the writer keeps of the instances that bindings name: each has
// a number for as long as one does.
type catalogue struct {
	numbers numbering[Instance]
	types   *persist.MapEdit[string, *persist.Map[string, uint32]]
	// open are the types of which something has changed in this batch, and known is
	// how many instances of each type there are.
	open  map[string]*persist.MapEdit[string, uint32]
	known map[string]int
}

func newCatalogue() catalogue {
	return catalogue{
		types: noInstances.Edit(), open: make(map[string]*persist.MapEdit[string, uint32]), known: make(map[string]int),
	}
}

// count counts a binding more or less that names an instance, and returns its
// number.
func (c *catalogue) count(i Instance, by int32) uint32 {
	if by > 0 {
		number, fresh := c.numbers.hold(i)
		if fresh {
			c.enter(i, number)
		}
		return number
	}
	number := c.numbers.numbers[i]
	if _, gone := c.numbers.release(number); gone {
		c.of(i.Type).Remove(i.ID)
		c.known[i.Type]--
	}
	return number
}

func (c *catalogue) enter(i Instance, number uint32) {
	c.of(i.Type).Set(i.ID, number)
	c.known[i.Type]++
}

// of returns the instances of a type in order to change them.
func (c *catalogue) of(typ string) *persist.MapEdit[string, uint32] {
	e := c.open[typ]
	if e == nil {
		ids, known := c.types.Get(typ)
		if !known {
			ids = persist.NewMap[string, uint32](persist.Hash)
		}
		e = ids.Edit()
		c.open[typ] = e
	}
	return e
}

// publish ends the batch and begins the next one.
func (c *catalogue) publish() *instanceNumbers {
	for typ, e := range c.open {
		if c.known[typ] == 0 {
			delete(c.known, typ)
			c.types.Remove(typ)
			continue
		}
		c.types.Set(typ, e.Done())
	}
	clear(c.open)
	return c.types.Done()
}

// compacted returns the catalogue with new numbers, in the order of the old ones,
// and those by the old ones.
func (c *catalogue) compacted() (catalogue, []uint32) {
	next := newCatalogue()
	numbers := make([]uint32, len(c.numbers.names))
	for from, i := range c.numbers.names {
		if c.numbers.refs[from] == 0 {
			continue
		}
		to, _ := next.numbers.hold(i)
		next.numbers.refs[to] = c.numbers.refs[from]
		next.enter(i, to)
		numbers[from] = to
	}
	return next, numbers
}

// numberOf returns the number of an instance that some binding names.
func numberOf(n *instanceNumbers, i Instance) (number uint32, is bool) {
	ids, is := n.Get(i.Type)
	if !is {
		return 0, false
	}
	return ids.Get(i.ID)
}
