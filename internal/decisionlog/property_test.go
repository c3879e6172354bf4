// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProperties: nothing is written that is not included, nor what is masked.
func TestProperties(t *testing.T) {
	tests := map[string]struct {
		include, mask []string
		want          string
	}{
		"nothing": {want: ""},
		"one of each": {
			include: []string{"context.ip", "subject.properties.department", "action.properties.soft", "resource.properties.size"},
			want:    `{"context.ip":"::1","subject.properties.department":"it","action.properties.soft":true,"resource.properties.size":1.5}`,
		},
		"what the request lacks": {
			include: []string{"context.country", "context.ip.x", "context.nothing.x", "subject.properties.department"},
			want:    `{"subject.properties.department":"it"}`,
		},
		"null":                  {include: []string{"context.nothing"}, want: `{"context.nothing":null}`},
		"all of something":      {include: []string{"action.properties"}, want: `{"action.properties":{"large":1e+30,"nan":null,"soft":true}}`},
		"all of it, masked":     {include: []string{"context"}, mask: []string{"context"}, want: `{"context":"[masked]"}`},
		"masked":                {include: []string{"context.ip"}, mask: []string{"context.ip"}, want: `{"context.ip":"[masked]"}`},
		"masked and not there":  {include: []string{"context.x"}, mask: []string{"context.x"}, want: ""},
		"a mask over something": {include: []string{"context"}, mask: []string{"context.ip.x"}, want: `{"context":{"devices":[{"id":"a","token":"secret"},"b"],"ip":"::1","nothing":null}}`},
		"masks below": {
			include: []string{"context"}, mask: []string{"context.devices.token", "context.ip"},
			want: `{"context":{"devices":[{"id":"a","token":"[masked]"},"b"],"ip":"[masked]","nothing":null}}`,
		},
		"a name that begins alike": {include: []string{"context.devices"}, mask: []string{"context.device"}, want: `{"context.devices":[{"id":"a","token":"secret"},"b"]}`},
		"an endless text":          {include: []string{"resource.properties.text", "context.ip"}, want: `{"resource.properties.text":"[too long]","context.ip":"::1"}`},
		"an endless key":           {include: []string{"resource.properties.key"}, want: `{"resource.properties.key":"[too long]"}`},
		"an endless list":          {include: []string{"resource.properties.list"}, want: `{"resource.properties.list":"[too long]"}`},
		"an endless object":        {include: []string{"resource.properties.object"}, want: `{"resource.properties.object":"[too long]"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := all()
			c.Properties.Include, c.Properties.Mask = tt.include, tt.mask
			d := granted()
			d.Request.Context = map[string]any{
				"ip": "::1", "nothing": nil,
				"devices": []any{map[string]any{"id": "a", "token": "secret"}, "b"},
			}
			d.Request.Action.Properties = map[string]any{"soft": true, "nan": math.NaN(), "large": 1e30}
			many := map[string]any{}
			for i := range 5000 {
				many[strings.Repeat("k", i%10)+string(rune('a'+i%26))] = true
				many[strings.Repeat("k", i)] = true
			}
			d.Request.Resource.Properties = map[string]any{
				"size": 1.5, "text": strings.Repeat("x", 5000), "list": make([]any, 5000), "object": many,
				"key": map[string]any{strings.Repeat("k", 5000): 1.0},
			}
			line := written(t, c, func(l *Log) { l.Door("x").Decided(d) })
			var got struct{ Properties json.RawMessage }
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			if diff := cmp.Diff(tt.want, string(got.Properties)); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNumbers: a number is the same after it was read again.
func TestNumbers(t *testing.T) {
	for _, f := range []float64{0, 1, -1, 0.1, 1e-7, 1e21, -1e20, 123456789, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		var got float64
		if err := json.Unmarshal(appendNumber(nil, f), &got); err != nil || got != f {
			t.Errorf("%v is written as %s", f, appendNumber(nil, f))
		}
	}
}
