// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/hack/bench/record"
)

func TestRatiosAreTakenInsideARound(t *testing.T) {
	// The second round ran when the machine was ten times slower, the third lacks
	// the floor; the floor ran twice in the first.
	mine := series{1: {20}, 2: {300}, 3: {1}}
	floor := series{1: {8, 12}, 2: {100}}
	got := mine.over(floor)
	if want := (summary{median: 2.5, low: 2, high: 3, n: 2}); got != want {
		t.Errorf("ratios %+v, want %+v", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", 16: "16", 0.0123: "0.012", 0.128: "0.13", 3.14159: "3.14", 42.123: "42.1", 312.4: "312", 1234567: "1,234,567", 99.96: "100"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{312: "312 ns", 9994: "9,994 ns", 25_291: "25.3 µs", 8_100_000: "8.10 ms", 15.244e9: "15.2 s"} {
		if got := duration(v); got != want {
			t.Errorf("duration(%v) = %q, want %q", v, got, want)
		}
	}
}

// TestWrite: a document has what was measured, and says of what was not.
func TestWrite(t *testing.T) {
	results, docs := t.TempDir(), t.TempDir()
	write := func(name string, put func(*record.Writer)) {
		t.Helper()
		var b bytes.Buffer
		put(record.NewWriter(&b))
		if err := os.WriteFile(filepath.Join(results, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(results, "machine.json"), []byte(`{"cpu":"a processor","cores":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	write("inproc.jsonl", func(w *record.Writer) {
		for round := 1; round <= 2; round++ {
			for users, scale := range map[int]float64{1000: 1, 100_000: 4} {
				k := record.Key{Bench: "check", Variant: "rbac", Users: users, Round: round}
				k.Engine = "ideal"
				w.Put(k, "time", 100*scale*float64(round), "ns")
				k.Engine, k.Shape = "rolecall", "grouped"
				w.Put(k, "time", 110*scale*float64(round), "ns")
			}
		}
	})
	write("kube.jsonl", func(w *record.Writer) {
		k := record.Key{Bench: "memory", Engine: "cache", Objects: 10_000, Round: 1}
		w.Put(k, "heap", 1000, "B")
		k.Engine = "rolecall leader"
		w.Put(k, "heap", 700, "B")
		k.Bench = "latency"
		w.Put(k, "p99", 1.5, "ms")
		k.Engine = "cache"
		w.Put(k, "p99", 2, "ms")
	})
	if err := Write(results, docs); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a processor", "165 ns, 1.10 × (1.10–1.10)", "700 B, 0.70 ×", "1.50 ms, −500 µs", "Not measured."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the document does not say %q:\n%s", want, text)
		}
	}
	svg, err := os.ReadFile(filepath.Join(docs, "performance", "checks.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(svg, []byte(">Rolecall<")) || len(svg) > 50_000 {
		t.Errorf("the plot has %d bytes, or no line that is called Rolecall", len(svg))
	}
}
