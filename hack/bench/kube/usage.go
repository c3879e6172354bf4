// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rolecall/rolecall/hack/bench/record"
)

// usage is the CPU that has been used until a moment.
type usage struct {
	at                   time.Time
	server, etcd, writer time.Duration
	idle                 time.Duration // of all cores
}

// usage reads the CPU of the API server, of etcd, of this process, and of the machine.
func (c *cluster) usage(ctx context.Context) (usage, error) {
	u := usage{at: time.Now()}
	text, err := c.metrics(ctx)
	if err != nil {
		return u, err
	}
	if u.server, err = cpuSeconds(text); err != nil {
		return u, fmt.Errorf("the API server: %w", err)
	}
	if text, err = get(ctx, c.env.ControlPlane.Etcd.URL.Host, "/metrics"); err != nil {
		return u, fmt.Errorf("read etcd's metrics: %w", err)
	}
	if u.etcd, err = cpuSeconds(text); err != nil {
		return u, fmt.Errorf("etcd: %w", err)
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return u, err
	}
	u.writer = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	u.idle, err = idle()
	return u, err
}

// cpuSeconds finds the CPU of a process in its metrics. Those of an API server are
// megabytes, and parsing them would be most of what is measured.
func cpuSeconds(metrics []byte) (time.Duration, error) {
	for line := range strings.Lines(string(metrics)) {
		if value, ok := strings.CutPrefix(line, "process_cpu_seconds_total "); ok {
			s, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return time.Duration(s * float64(time.Second)), err
		}
	}
	return 0, errors.New("there is no process_cpu_seconds_total")
}

// idle returns how long the cores have had nothing to do.
func idle() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	const field, perSecond = 4, 100
	fields := strings.Fields(string(text))
	if len(fields) <= field {
		return 0, errors.New("/proc/stat does not tell of idle cores")
	}
	n, err := strconv.ParseInt(fields[field], 10, 64)
	return time.Duration(n) * time.Second / perSecond, err
}

func (u usage) since(v usage) usage {
	u.server, u.etcd, u.writer, u.idle = u.server-v.server, u.etcd-v.etcd, u.writer-v.writer, u.idle-v.idle
	u.at = time.Time{}.Add(u.at.Sub(v.at))
	return u
}

// put notes parts of what the machine can do. What is missing to 100 is others'.
func (u usage) put(to *record.Writer, about record.Key) {
	all := u.at.Sub(time.Time{}) * time.Duration(runtime.NumCPU())
	for _, part := range []struct {
		name string
		cpu  time.Duration
	}{{"API server", u.server}, {"etcd", u.etcd}, {"writer", u.writer}, {"idle", u.idle}} {
		to.Put(about, part.name, 100*part.cpu.Seconds()/all.Seconds(), "%")
	}
}
