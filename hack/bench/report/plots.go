// SPDX-License-Identifier: Apache-2.0

package report

import (
	"path/filepath"

	"gonum.org/v1/plot/plotter"

	"github.com/rolecall/rolecall/hack/bench/servers"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// plots draws all plots into a folder.
func (d *data) plots(dir string) error {
	const users = "users, with three assignments each"
	for name, plot := range map[string]drawing{
		"checks":     {"One check", users, "ns", d.lines("check", "time", 1)},
		"changes":    {"One changed assignment until checks see it, median", users, "ns", d.lines("change", "p50", 1000)},
		"memory":     {"Heap an assignment", users, "bytes", d.lines("build", "heap", 1)},
		"throughput": {"Requests a second over loopback, one core", "connections", "requests a second", d.rates()},
	} {
		if err := plot.save(filepath.Join(dir, name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// lines are a metric by users, for those who have a label.
func (d *data) lines(bench, metric string, scale float64) []line {
	var out []line
	for _, c := range contestants() {
		l := line{label: c.label, colour: palette[c.engine], floor: c.floor}
		for _, users := range d.users() {
			if s := d.get(c.key(bench, workload.RBAC, users), metric).summary(); s.median > 0 && c.label != "" {
				l.points = append(l.points, plotter.XY{X: float64(users), Y: s.median * scale})
			}
		}
		out = append(out, l)
	}
	return out
}

// rates are the servers' by connections, with the highest GOGC.
func (d *data) rates() []line {
	var out []line
	gogcs := d.gogcs()
	if len(gogcs) == 0 {
		return nil
	}
	for _, name := range servers.Names() {
		l := line{label: map[string]string{"floor": "floor", servers.Undecoded: "nothing decoded", "rolecall": "Rolecall", "opa": "OPA", "cerbos": "Cerbos"}[name], colour: palette[name], floor: name == "floor"}
		for _, conns := range d.conns() {
			if s := d.get(serverKey(name, gogcs[len(gogcs)-1], conns), "rate").summary(); s.median > 0 {
				l.points = append(l.points, plotter.XY{X: float64(conns), Y: s.median})
			}
		}
		out = append(out, l)
	}
	return out
}
