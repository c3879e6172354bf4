// SPDX-License-Identifier: Apache-2.0

// Package bounds measures Rolecall with policies of extreme shapes, and whether
// they make checks of another namespace slower.
package bounds

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// neighbours is how many users the policy of the other namespace has.
const neighbours = 1000

// turns is how often each check takes its turn.
const turns = 6

// Run measures the shape that k names as its variant.
func Run(records *record.Writer, k record.Key, slice time.Duration) error {
	i := slices.IndexFunc(Shapes(), func(s Shape) bool { return s.Name == k.Variant })
	if i < 0 {
		return fmt.Errorf("there is no shape %q", k.Variant)
	}
	b := &bench{records: records, key: k, slice: slice, set: workload.New(workload.RBAC, neighbours)}
	b.requests = b.set.Requests(1 << 13)
	var err error
	if b.alone, err = product.Start(product.Resources(), product.Roles(b.set), product.Singles(b.set)); err != nil {
		return err
	}
	if err := b.build(Shapes()[i].make); err != nil {
		return err
	}
	if err := b.checks(); err != nil {
		return err
	}
	b.changes()
	return records.Err()
}

type bench struct {
	records  *record.Writer
	key      record.Key
	slice    time.Duration
	set      *workload.Set // of the neighbour
	requests []workload.Request

	// alone has the neighbour only, beside the shape too.
	alone, beside *product.Live
	change        func(i int, generation int64) metav1.Object
}

func (b *bench) put(metric string, value float64, unit string) {
	k := b.key
	k.Bench, k.Engine = "bounds", "rolecall"
	b.records.Put(k, metric, value, unit)
}

// build starts the store of both, and forgets the objects of the shape.
func (b *bench) build(newShape func() *shape) error {
	before := measure.Heap()
	if err := b.start(newShape()); err != nil {
		return err
	}
	b.put("heap", (measure.Heap()-before)/1e6, "MB")
	return nil
}

func (b *bench) start(s *shape) error {
	resources := append(product.Resources(), s.resources...)
	roles := append(product.Roles(b.set), s.roles...)
	bindings := append(product.Singles(b.set), s.bindings...)
	b.change = s.change
	runtime.GC()
	start := time.Now()
	var err error
	b.beside, err = product.Start(resources, roles, bindings)
	b.put("build", time.Since(start).Seconds()*1e3, "ms")
	return err
}

// checks lets three kinds of checks take turns: the neighbour's in a store of its
// own and beside the shape, and those of the shape.
func (b *bench) checks() error {
	alone, beside, shaped := b.neighbour(b.alone), b.neighbour(b.beside), b.shaped()
	for i := range b.requests {
		if want := b.requests[i].Allowed; alone(i) != want || beside(i) != want {
			return fmt.Errorf("request %d %+v of the neighbour is answered wrongly", i, b.requests[i])
		}
	}
	var times [3][]float64
	for range turns {
		for i, read := range []engine.Reader{alone, beside, shaped} {
			measure.Loop(read, len(b.requests), b.slice/30)
			times[i] = append(times[i], measure.PerOp(measure.Loop(read, len(b.requests), b.slice/turns)))
		}
	}
	for i, metric := range []string{"neighbour-alone", "neighbour", "check"} {
		slices.Sort(times[i])
		b.put(metric, (times[i][turns/2]+times[i][(turns-1)/2])/2, "ns")
	}
	return nil
}

func (b *bench) neighbour(l *product.Live) engine.Reader {
	a := l.Asker(b.requests)
	return func(i int) bool { return a.Ask(i, &b.requests[i]) }
}

// shaped returns what asks of the shape: every type and action, in scope 0.
func (b *bench) shaped() engine.Reader {
	requests := slices.Clone(b.requests)
	for i := range requests {
		q := &requests[i]
		q.User, q.Scope = subject, workload.ScopeName(0)
		q.Type, q.Action = workload.TypeName(i%workload.Types), workload.ActionName(i/workload.Types%workload.Actions)
	}
	a := b.beside.Asker(requests)
	a.Request.Namespace = extreme
	a.Request.Subject.Groups = []string{group}
	return func(i int) bool { return a.Ask(i, &requests[i]) }
}

// changes times changes of the shape, and the neighbour's checks meanwhile.
func (b *bench) changes() {
	i, generation := 0, int64(1)
	next := func() metav1.Object {
		i, generation = i+1, generation+1
		return b.change(i-1, generation)
	}
	l := measure.Each(b.slice, func() func() {
		obj := next()
		return func() { b.beside.Put(obj) }
	})
	b.put("change-p50", l.Quantile(0.50)/1e3, "us")
	b.put("change-p99", l.Quantile(0.99)/1e3, "us")
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				b.beside.Put(next())
			}
		}
	}()
	read := b.neighbour(b.beside)
	b.put("neighbour-beside-writer", measure.PerOp(measure.Loop(read, len(b.requests), b.slice)), "ns")
	close(done)
	<-stopped
}
