// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// process is a running engine.
type process struct {
	command                    *exec.Cmd
	health, metrics, door, log string
	environment                []string // that of this process, unless given
	started                    time.Time
}

// startCache starts the floor, which lists as the operator does, or by a stream
// of events.
func (p *plan) startCache(ctx context.Context, streamed bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &process{health: address, metrics: address}
	s.environment = append(os.Environ(), fmt.Sprintf("KUBE_FEATURE_WatchListClient=%t", streamed))
	return s, s.start(ctx, p.dir, self, "cache", p.cluster.kubeconfig, address)
}

// startOperator starts a replica.
func (p *plan) startOperator(ctx context.Context) (*process, error) {
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	s := &process{door: addresses[0], health: addresses[1], metrics: addresses[2]}
	config := filepath.Join(p.dir, "rolecall.yaml")
	err := os.WriteFile(config, fmt.Appendf(nil, `
apiVersion: config.rolecall.dev/v1alpha1
kind: ServerConfiguration
http: {bindAddress: %q}
grpc: {bindAddress: "127.0.0.1:0"}
health: {bindAddress: %q}
metrics: {bindAddress: %q}
leaderElection: {name: %q, namespace: %q}
`, s.door, s.health, s.metrics, leaseName, namespace), 0o600)
	if err != nil {
		return nil, err
	}
	return s, s.start(ctx, p.dir, p.program, "serve", "--kubeconfig", p.cluster.kubeconfig, "--config", config)
}

func (s *process) start(ctx context.Context, dir, program string, args ...string) error {
	log, err := os.CreateTemp(dir, filepath.Base(program)+"-*.log")
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.log = log.Name()
	s.command = exec.CommandContext(ctx, program, args...)
	s.command.Env = s.environment
	s.command.Stdout, s.command.Stderr = log, log
	s.started = time.Now()
	return s.command.Start()
}

// stop ends the process as a Deployment does.
func (s *process) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := s.command.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// ready waits until the process is ready, and returns how long that took from
// its start.
func (s *process) ready(ctx context.Context) (time.Duration, error) {
	err := until(ctx, "the process is ready", func() (bool, error) {
		if _, err := get(ctx, s.health, "/readyz"); err != nil {
			return false, s.alive()
		}
		return true, nil
	})
	return time.Since(s.started), err
}

// alive returns nil unless the process has ended.
func (s *process) alive() error {
	if s.command.Process.Signal(syscall.Signal(0)) == nil {
		if stat, err := s.stat(); err == nil && stat[0] != "Z" {
			return nil
		}
	}
	text, _ := os.ReadFile(s.log)
	return fmt.Errorf("%s has ended:\n%s", s.command.Path, text)
}

// gauges reads metrics of the process that have no labels.
func (s *process) gauges(ctx context.Context) (map[string]float64, error) {
	text, err := get(ctx, s.metrics, "/metrics")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for name, family := range families {
		if len(family.GetMetric()) != 1 {
			continue
		}
		m := family.GetMetric()[0]
		values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetSummary().GetSampleCount())
	}
	return values, nil
}

// get reads a page of a process; an answer other than 200 is an error.
func get(ctx context.Context, address, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s%s answers %s", address, path, response.Status)
	}
	return io.ReadAll(response.Body)
}

// liveHeap returns the bytes that are live: the least that the heap has held
// after two more collections, which reading the metrics brings about.
func (s *process) liveHeap(ctx context.Context) (float64, error) {
	const collections = "go_gc_duration_seconds"
	first, err := s.gauges(ctx)
	if err != nil {
		return 0, err
	}
	var least float64
	for ctx.Err() == nil {
		now, err := s.gauges(ctx)
		if err != nil {
			return 0, err
		}
		heap := now["go_memstats_heap_alloc_bytes"]
		switch done := now[collections] - first[collections]; {
		case done >= 3:
			return least, nil
		case done >= 2 && (least == 0 || heap < least):
			least = heap
		}
	}
	return 0, ctx.Err()
}

// resident returns the resident memory in MB as the kernel counts it: VmRSS is
// that of now, VmHWM the peak.
func (s *process) resident(key string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == key+":" {
			kb, err := strconv.ParseFloat(fields[1], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("the kernel does not tell %s", key)
}

// cpu returns the seconds of CPU that the process has used.
func (s *process) cpu() (float64, error) {
	stat, err := s.stat()
	if err != nil {
		return 0, err
	}
	const user, system, perSecond = 11, 12, 100
	u, err := strconv.ParseFloat(stat[user], 64)
	if err != nil {
		return 0, err
	}
	k, err := strconv.ParseFloat(stat[system], 64)
	return (u + k) / perSecond, err
}

// stat returns the fields of the kernel's account after the name.
func (s *process) stat() ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), nil
}
