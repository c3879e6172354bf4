// SPDX-License-Identifier: Apache-2.0

// Package record is the form in which the benchmarks hand on what they measured:
// one value a line, as JSON.
package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Key says what a value is a value of. The README has the meaning of the fields.
type Key struct {
	Bench   string `json:"bench"`
	Engine  string `json:"engine"`
	Variant string `json:"variant,omitempty"`
	Shape   string `json:"shape,omitempty"`
	Users   int    `json:"users,omitempty"`
	Objects int    `json:"objects,omitempty"`
	Conns   int    `json:"conns,omitempty"`
	GOGC    int    `json:"gogc,omitempty"`
	Round   int    `json:"round,omitempty"`
}

// Record is one measured value.
type Record struct {
	Key

	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// Writer writes records. It is safe for concurrent use, and keeps the first
// error for Err.
type Writer struct {
	mu  sync.Mutex
	enc *json.Encoder
	err error
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{enc: json.NewEncoder(w)} }

// Put writes one value.
func (w *Writer) Put(k Key, metric string, value float64, unit string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.enc.Encode(Record{Key: k, Metric: metric, Value: value, Unit: unit}); err != nil && w.err == nil {
		w.err = err
	}
}

// Err returns the first error of Put.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Read returns the records of a stream.
func Read(r io.Reader) ([]Record, error) {
	var out []Record
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var rec Record
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, rec)
	}
	return out, lines.Err()
}

// ReadFile returns the records of a file; none, if there is no such file.
func ReadFile(path string) ([]Record, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	out, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}
