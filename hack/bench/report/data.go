// SPDX-License-Identifier: Apache-2.0

package report

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/rolecall/rolecall/hack/bench/record"
)

// series are the values of one thing by round.
type series map[int][]float64

// rounds returns the median of each round, by round.
func (s series) rounds() map[int]float64 {
	out := map[int]float64{}
	for round, values := range s {
		out[round] = median(values)
	}
	return out
}

// summary is a median and a range.
type summary struct {
	median, low, high float64
	n                 int
}

func summarize(values []float64) summary {
	if len(values) == 0 {
		return summary{}
	}
	return summary{median(values), slices.Min(values), slices.Max(values), len(values)}
}

// summary is over the rounds.
func (s series) summary() summary {
	return summarize(slices.Collect(maps.Values(s.rounds())))
}

// over is the summary of the ratios to base inside each round that has both.
func (s series) over(base series) summary {
	var ratios []float64
	bases := base.rounds()
	for round, value := range s.rounds() {
		if b := bases[round]; b > 0 {
			ratios = append(ratios, value/b)
		}
	}
	return summarize(ratios)
}

// minus is the summary of the differences from base inside each round that has both.
func (s series) minus(base series) summary {
	var differences []float64
	bases := base.rounds()
	for round, value := range s.rounds() {
		if b, ok := bases[round]; ok {
			differences = append(differences, value-b)
		}
	}
	return summarize(differences)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// name is what a series is of.
type name struct {
	key    record.Key // without the round
	metric string
}

// data is all results.
type data struct {
	series map[name]series
	units  map[name]string
	order  []name
}

// load reads the results of all parts that there are.
func load(dir string) (*data, error) {
	d := &data{series: map[name]series{}, units: map[name]string{}}
	for _, part := range []string{"inproc", "servers", "kube"} {
		records, err := record.ReadFile(filepath.Join(dir, part+".jsonl"))
		if err != nil {
			return nil, err
		}
		for i := range records {
			d.add(&records[i])
		}
	}
	return d, nil
}

func (d *data) add(r *record.Record) {
	n := name{r.Key, r.Metric}
	n.key.Round = 0
	if d.series[n] == nil {
		d.series[n], d.units[n] = series{}, r.Unit
		d.order = append(d.order, n)
	}
	d.series[n][r.Round] = append(d.series[n][r.Round], r.Value)
}

func (d *data) get(k record.Key, metric string) series {
	k.Round = 0
	return d.series[name{k, metric}]
}

// all returns what is of a bench, in the order in which it first appeared.
func (d *data) all(bench string) []name {
	var out []name
	for _, n := range d.order {
		if n.key.Bench == bench {
			out = append(out, n)
		}
	}
	return out
}

// users returns the sizes at which there are checks, in their order.
func (d *data) users() []int {
	sizes := map[int]bool{}
	for _, n := range d.all("check") {
		sizes[n.key.Users] = true
	}
	return slices.Sorted(maps.Keys(sizes))
}

// values returns all values of a bench and metric, sorted.
func (d *data) values(bench, metric string) []float64 {
	var out []float64
	for _, n := range d.all(bench) {
		if n.metric == metric {
			for _, values := range d.series[n] {
				out = append(out, values...)
			}
		}
	}
	slices.Sort(out)
	return out
}
