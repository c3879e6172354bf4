// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// report is what was measured on the way.
type report struct{ lines []string }

func (r *report) add(format string, args ...any) {
	r.lines = append(r.lines, "- "+fmt.Sprintf(format, args...))
}

// timed does a step and adds how long it took.
func (r *report) timed(t *testing.T, c *cluster, s step) {
	start := time.Now()
	s.do(t, c, r)
	r.add("seconds of the step %q: %.1f", s.name, time.Since(start).Seconds())
}

// write puts it at the end of the log, and into a file.
func (r *report) write(t *testing.T) {
	text := strings.Join(r.lines, "\n") + "\n"
	t.Logf("report:\n%s", text)
	if err := os.WriteFile(setting(t, "E2E_REPORT"), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

func megabytes(t *testing.T, bytes string) string {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSpace(bytes), 64)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%.1f", n/1e6)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
