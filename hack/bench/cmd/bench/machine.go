// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/hack/bench/report"
)

// describe writes what the results are of: the machine, Go, the commit.
func describe(ctx context.Context, path string) error {
	m := report.Machine{
		CPU: cpu(), Cores: runtime.NumCPU(), Memory: memory(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Commit: git(ctx, "describe", "--tags", "--always", "--dirty", "--abbrev=12"), Date: time.Now().UTC().Format(time.DateOnly),
	}
	var err error
	if m.Versions, err = versions(); err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(path), text, 0o600)
}

func git(ctx context.Context, args ...string) string {
	out, err := exec.CommandContext(ctx, "git", args...).Output() //nolint:gosec // constants
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func cpu() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// memory returns the size of the memory in GiB.
func memory() float64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kib float64
	if _, err := fmt.Sscanf(string(text), "MemTotal: %f kB", &kib); err != nil {
		return 0
	}
	return kib / (1 << 20)
}

// loadAverage is that of the last minute.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return 0
	}
	return load
}

// versions returns those of the peers, from their module files.
func versions() (map[string]string, error) {
	out := map[string]string{}
	for file, modules := range map[string][]string{
		"hack/bench/peers/go.mod":            {"github.com/casbin/casbin/v3", "github.com/cedar-policy/cedar-go", "github.com/open-policy-agent/opa"},
		"hack/bench/peers/kubernetes/go.mod": {"k8s.io/kubernetes"},
		"hack/bench/peers/cerbos/go.mod":     {"github.com/cerbos/cerbos"},
		"hack/bench/go.mod":                  {"github.com/google/cel-go"},
	} {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(strings.TrimPrefix(line, "require"))
			if len(fields) >= 2 && slices.Contains(modules, fields[0]) && strings.HasPrefix(fields[1], "v") {
				out[fields[0]] = fields[1]
			}
		}
	}
	return out, nil
}
