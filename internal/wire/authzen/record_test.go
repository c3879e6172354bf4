// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/decisionlog"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/logs"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// logged makes a server write its decisions to a file, otherwise as it does by
// default.
func logged(tb testing.TB) func(*configv1alpha1.ServerConfiguration) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "decisions.jsonl")
	return func(c *configv1alpha1.ServerConfiguration) {
		c.DecisionLog = &configv1alpha1.DecisionLog{File: &configv1alpha1.RotatedFile{Path: path}}
	}
}

// record returns the recorder that a configuration asks for, or nil. The test's
// end ends it.
func record(tb testing.TB, c *configv1alpha1.DecisionLog) door.Recorder {
	tb.Helper()
	if c == nil {
		return nil
	}
	file, err := decisionlog.OpenFile(c.File)
	if err != nil {
		tb.Fatal(err)
	}
	log := decisionlog.New(decisionlog.Options{Config: c, Output: file, Logger: logs.New(tb)})
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx, time.Minute) }()
	tb.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		if err := file.Close(); err != nil {
			tb.Error(err)
		}
	})
	return log.Door(authzen.Name)
}

// BenchmarkDecisionLog compares the whole server with the decision log, as it is
// by default, and without. Each is a process of its own, and they are asked in
// turn.
//
// One iteration is a hundred requests to each, over connections that are kept.
func BenchmarkDecisionLog(b *testing.B) {
	for name, body := range map[string]string{
		"allows": question, "denies": strings.Replace(question, `"read"`, `"drop"`, 1),
	} {
		b.Run(name, func(b *testing.B) {
			off, on := begin(b, "rolecall", body, 16), begin(b, "logged", body, 16)
			for b.Loop() {
				off.ask(b)
				on.ask(b)
			}
			b.ReportMetric(on.perSecond()/off.perSecond(), "requests/s-ratio")
			b.ReportMetric(on.cpuEach(b)/off.cpuEach(b), "cpu-ratio")
			b.ReportMetric(on.p99()/off.p99(), "p99-ratio")
		})
	}
}
