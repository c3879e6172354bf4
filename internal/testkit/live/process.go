// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Run runs a program to its end, with an input and more environment than the test's
// own, and returns what it writes to its two outputs. The error repeats both.
func Run(ctx context.Context, env []string, input, program string, args ...string) (out, complaint string, err error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), env...)
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err = command.Run(); err != nil {
		err = fmt.Errorf("%s %s: %w: %s%s", filepath.Base(program), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String(), err
}

// Process is a program that can be started again when it has ended. One goroutine
// starts and ends it; others may read its log, and ask whether it runs once it was
// started.
type Process struct {
	// Name is what the test calls it.
	Name string
	// Log is what it has written since it was first started.
	Log Log
	// Env is its environment; nil means the test's own.
	Env []string

	program string
	args    []string
	process *os.Process
	ended   chan struct{}
}

// NewProcess returns one that does not run yet. It is killed when the test ends, and
// the end of its log is shown if the test has failed.
func NewProcess(t testing.TB, name, program string, args ...string) *Process {
	t.Helper()
	p := &Process{Name: name, program: program, args: args, ended: make(chan struct{})}
	close(p.ended)
	t.Cleanup(func() {
		p.End(t, os.Kill)
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", p.Name, p.Log.Tail(20_000))
		}
	})
	return p
}

// Start starts the program, which must not be running.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	command := exec.Command(p.program, p.args...) // it ends with the test, not with a context
	command.Stdout, command.Stderr, command.Env = &p.Log, &p.Log, p.Env
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	p.process, p.ended = command.Process, ended
	go func() {
		defer close(ended)
		_ = command.Wait() // what it ends with is in the log
	}()
}

// Running reports whether it has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// End sends a signal and waits until the process is gone. It does nothing to one that
// does not run.
func (p *Process) End(t testing.TB, signal os.Signal) {
	t.Helper()
	if !p.Running() {
		return
	}
	if err := p.process.Signal(signal); err != nil {
		t.Errorf("signal %s: %v", p.Name, err)
	}
	<-p.ended
}
