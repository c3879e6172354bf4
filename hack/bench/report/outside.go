// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/servers"
)

var serverTitles = map[string]string{
	"floor": "floor: net/http, encoding/json, a constant", servers.Undecoded: "limit: net/http, nothing decoded, a constant",
	"rolecall": "**Rolecall**", "opa": "OPA", "cerbos": "Cerbos (AuthZEN)",
}

// gogcs and conns return the settings with which servers were measured.
func (d *data) gogcs() []int {
	found := map[int]bool{}
	for _, n := range d.all("server") {
		found[n.key.GOGC] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func (d *data) conns() []int {
	found := map[int]bool{}
	for _, n := range d.all("server") {
		found[n.key.Conns] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func serverKey(engine string, gogc, conns int) record.Key {
	return record.Key{Bench: "server", Engine: engine, Users: servers.Users, GOGC: gogc, Conns: conns}
}

// servers writes a table for each GOGC.
func (d *data) servers(w *bytes.Buffer) {
	if len(d.gogcs()) == 0 {
		fmt.Fprint(w, "Not measured.\n\n")
	}
	for _, gogc := range d.gogcs() {
		fmt.Fprintf(w, "With `GOGC=%d`:\n\n", gogc)
		t := table{header: []string{"server", "connections", "requests a second", "to the floor", "p50", "p99", "p99 to the floor", "CPU a request", "to the floor", "RSS", "wrong"}}
		for _, conns := range d.conns() {
			for _, engine := range servers.Names() {
				get := func(metric string) series { return d.get(serverKey(engine, gogc, conns), metric) }
				over := func(metric string) string {
					if engine == servers.Names()[0] {
						return "1"
					}
					return get(metric).over(d.get(serverKey(servers.Names()[0], gogc, conns), metric)).times()
				}
				if get("rate") == nil {
					continue
				}
				t.add(serverTitles[engine], fmt.Sprint(conns), get("rate").summary().value(""), over("rate"),
					get("p50").summary().value("us"), get("p99").summary().value("us"), over("p99"),
					get("cpu").summary().value("us"), over("cpu"), get("rss").summary().value("MB"), number(get("wrong").summary().high))
			}
		}
		t.write(w)
	}
}

// kubeBenches are those of hack/bench/kube.
func (d *data) kubeBenches() []string {
	known := []string{"noise", "build", "bounds", "condition", "server", "load", "step", "change", "change-member", "change-role", "change-resource"}
	var out []string
	for _, n := range d.order {
		b := n.key.Bench
		if !slices.Contains(known, b) && !strings.HasPrefix(b, "check") && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	return out
}

// kube writes a table for each bench.
func (d *data) kube(w *bytes.Buffer) {
	if len(d.kubeBenches()) == 0 {
		fmt.Fprint(w, "Not measured.\n\n")
	}
	for _, bench := range d.kubeBenches() {
		fmt.Fprintf(w, "`%s`:\n\n", bench)
		d.kubeTable(w, bench)
	}
}

func (d *data) kubeTable(w *bytes.Buffer, bench string) {
	var keys []record.Key
	var metrics []string
	for _, n := range d.all(bench) {
		if !slices.Contains(keys, n.key) {
			keys = append(keys, n.key)
		}
		if !slices.Contains(metrics, n.metric) {
			metrics = append(metrics, n.metric)
		}
	}
	t := table{header: append([]string{"what", "objects"}, metrics...)}
	for _, k := range keys {
		row := []string{kubeTitle(k), number(float64(k.Objects))}
		for _, m := range metrics {
			row = append(row, d.kubeCell(k, m))
		}
		t.rows = append(t.rows, row)
	}
	t.write(w)
}

const cache = "cache"

func kubeTitle(k record.Key) string {
	title := k.Engine
	if part, ok := strings.CutPrefix(k.Engine, "rolecall"); ok {
		title = "**Rolecall**" + part
	} else if part, ok := strings.CutPrefix(k.Engine, cache); ok {
		title = "floor: a bare cache of controller-runtime" + part
	}
	for _, more := range []string{k.Variant, k.Shape} {
		if more != "" {
			title += ", " + more
		}
	}
	return title
}

// kubeCell shows a value, and how it compares with that of the bare cache: by their
// ratio, or latencies by their difference.
func (d *data) kubeCell(k record.Key, metric string) string {
	n := name{k, metric}
	s, unit := d.series[n], d.units[n]
	if s == nil {
		return none
	}
	cell := s.summary().value(unit)
	base := n
	base.key.Engine = cache
	floor := d.series[base]
	switch {
	case k.Engine == cache || floor == nil || unit == "%":
		return cell
	case k.Bench == "latency":
		return cell + ", " + s.minus(floor).difference(unit)
	}
	return cell + ", " + s.over(floor).times()
}
