// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// none stands where nothing was measured.
const none = "–"

// number shows two or three digits, and whole numbers whole.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95 || v == math.Trunc(v):
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a < 0.0995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// duration shows nanoseconds.
func duration(ns float64) string {
	switch {
	case ns >= 0.9995e9:
		return number(ns/1e9) + " s"
	case ns >= 0.9995e6:
		return number(ns/1e6) + " ms"
	case ns >= 9995:
		return number(ns/1e3) + " µs"
	}
	return number(ns) + " ns"
}

// nanoseconds are those of a unit of time; 0 for another unit.
func nanoseconds(unit string) float64 {
	return map[string]float64{"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[unit]
}

// quantity shows a value with its unit.
func quantity(v float64, unit string) string {
	if ns := nanoseconds(unit); ns > 0 {
		return duration(v * ns)
	}
	return strings.TrimSpace(number(v) + " " + unit)
}

// times shows a ratio, with its range if there are several.
func (s summary) times() string {
	switch s.n {
	case 0:
		return none
	case 1:
		return number(s.median) + " ×"
	}
	return fmt.Sprintf("%s × (%s–%s)", number(s.median), number(s.low), number(s.high))
}

// difference shows a difference, with its sign.
func (s summary) difference(unit string) string {
	switch {
	case s.n == 0:
		return none
	case s.median < 0:
		return "−" + quantity(-s.median, unit)
	}
	return "+" + quantity(s.median, unit)
}

// value shows the median.
func (s summary) value(unit string) string {
	if s.n == 0 {
		return none
	}
	return quantity(s.median, unit)
}

// table is a Markdown table.
type table struct {
	header []string
	rows   [][]string
}

// add adds a row, unless nothing of it was measured.
func (t *table) add(cells ...string) {
	for _, c := range cells[1:] {
		if c != none {
			t.rows = append(t.rows, cells)
			return
		}
	}
}

func (t *table) write(w *bytes.Buffer) {
	if len(t.rows) == 0 {
		fmt.Fprint(w, "Not measured.\n\n")
		return
	}
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(t.header, " | "), strings.Repeat(" --- |", len(t.header)))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(w)
}
