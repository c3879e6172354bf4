// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Machine is what results are of. It names no host.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memoryGiB"`
	System string  `json:"system"`
	Go     string  `json:"go"`
	Commit string  `json:"commit"`
	Date   string  `json:"date"`
	// Versions are those of the peers, by module.
	Versions map[string]string `json:"versions"`
}

func readMachine(path string) (Machine, error) {
	var m Machine
	text, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

func (m Machine) write(w *bytes.Buffer, d *data) {
	fmt.Fprintf(w, "%s, %d cores, %.0f GiB, %s, %s; Rolecall at `%s`, %s.\n\n", m.CPU, m.Cores, m.Memory, m.System, m.Go, m.Commit, m.Date)
	if noise := d.values("noise", "time"); len(noise) > 0 {
		at := func(part float64) string { return number(noise[int(part*float64(len(noise)-1))]) }
		fmt.Fprintf(w, `The noise: the same loop over a small map runs twice in each of the %d processes. It takes %s ns at best, %s in the
median, %s at the ninetieth percentile, %s at worst. `, len(noise)/2, at(0), at(0.5), at(0.9), at(1))
	}
	if load := d.values("load", "average"); len(load) > 0 {
		fmt.Fprintf(w, "The load average after a step was %s in the median, %s at most. ", number(median(load)), number(load[len(load)-1]))
	}
	fmt.Fprint(w, `So an absolute figure is worth
what that spread says. Ratios are taken inside one round, where everything runs within minutes; the median over the
rounds is given, and the lowest and highest in brackets.

`)
	var versions []string
	for _, module := range slices.Sorted(maps.Keys(m.Versions)) {
		versions = append(versions, fmt.Sprintf("`%s` %s", module, m.Versions[module]))
	}
	fmt.Fprintf(w, "Peers: %s.\n\n", strings.Join(versions, ", "))
}
