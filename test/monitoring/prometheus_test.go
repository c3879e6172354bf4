// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// engine is Prometheus' own, as it is by default.
var engine = promql.NewEngine(promql.EngineOpts{
	MaxSamples:           50_000_000,
	Timeout:              time.Minute,
	LookbackDelta:        5 * time.Minute,
	EnableAtModifier:     true,
	EnableNegativeOffset: true,
	Parser:               parser.NewParser(parser.Options{}),
})

// series are those that a Prometheus holds, by the name of the metric and then by all
// labels. They implement storage.Queryable.
type series map[string]map[uint64]*promql.Series

// add appends a sample to a series.
func (s series) add(metric labels.Labels, at time.Time, v float64) {
	name, key := metric.Get(labels.MetricName), metric.Hash()
	if s[name] == nil {
		s[name] = map[uint64]*promql.Series{}
	}
	if s[name][key] == nil {
		s[name][key] = &promql.Series{Metric: metric}
	}
	s[name][key].Floats = append(s[name][key].Floats, promql.FPoint{T: at.UnixMilli(), F: v})
}

// end marks the series of a target that were not read this time as ended, as
// Prometheus does: queries see them no longer.
func (s series) end(target map[string]string, at time.Time) {
	for _, named := range s {
		for _, one := range named {
			last := one.Floats[len(one.Floats)-1]
			if one.Metric.Get("instance") != target["instance"] || last.T == at.UnixMilli() || value.IsStaleNaN(last.F) {
				continue
			}
			one.Floats = append(one.Floats, promql.FPoint{T: at.UnixMilli(), F: math.Float64frombits(value.StaleNaN)})
		}
	}
}

// Querier implements storage.Queryable.
func (s series) Querier(int64, int64) (storage.Querier, error) { return querier{s}, nil }

type querier struct{ series series }

// Select implements storage.Querier, for queries that name a metric, as all do.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var name string
	for _, m := range matchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			name = m.Value
		}
	}
	var found []promql.Series
	for _, one := range q.series[name] {
		differs := func(m *labels.Matcher) bool { return !m.Matches(one.Metric.Get(m.Name)) }
		if !slices.ContainsFunc(matchers, differs) {
			found = append(found, *one)
		}
	}
	slices.SortFunc(found, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	return &selected{series: found}
}

// LabelValues implements storage.LabelQuerier; no query needs it.
func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames implements storage.LabelQuerier; no query needs it.
func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// Close implements storage.LabelQuerier.
func (querier) Close() error { return nil }

// selected are the series that a query wants; it implements storage.SeriesSet.
type selected struct {
	series []promql.Series
	next   int
}

func (s *selected) Next() bool                      { s.next++; return s.next <= len(s.series) }
func (s *selected) At() storage.Series              { return promql.NewStorageSeries(s.series[s.next-1]) }
func (*selected) Err() error                        { return nil }
func (*selected) Warnings() annotations.Annotations { return nil }

// query evaluates an expression. One that the engine has something to remark on, such
// as a rate of what is no counter, fails the test.
func (s series) query(t *testing.T, expression string, at time.Time) promql.Vector {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), s, nil, expression, at)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	if err := result.Err; err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	if remarks := result.Warnings.AsErrors(); len(remarks) > 0 {
		t.Fatalf("%s: %v", expression, remarks)
	}
	vector, err := result.Vector()
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return slices.Clone(vector)
}

// onTarget returns the labels of a sample that was read from a target. What a server
// calls as the target is called gets another name, as Prometheus does unless it is told
// to honour labels.
func onTarget(metric model.Metric, target map[string]string) labels.Labels {
	b := labels.NewBuilder(labels.FromMap(target))
	for name, v := range metric {
		if target[string(name)] != "" && v != "" {
			name = model.ExportedLabelPrefix + name
		}
		if v != "" {
			b.Set(string(name), string(v))
		}
	}
	return b.Labels()
}
