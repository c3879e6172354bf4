// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asCommand makes the test binary be the command, so that the tests run what a
// user runs: a process, its signals and its exit status.
const asCommand = "ROLECALL_DEV_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// patience bounds what takes seconds on an idle machine.
const patience = 2 * time.Minute

// process is a running command.
type process struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
	banner string
}

// command is the program on free ports.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	// Not the test's own context: that would kill it before the cleanups.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	all := append([]string{"--dir=" + dir, "--api-port=0", "--http-port=0", "--grpc-port=0", "--health-port=0", "--metrics-port=0"}, args...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, all...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // an error if the test has waited already, or it was killed
	})
	return cmd
}

// launch returns when the banner is complete.
func launch(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{cmd: command(t, dir, args...)}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	p.banner = p.readTo(t, "Ctrl-C ends it")
	return p
}

// readTo returns what the process prints up to a line that says so.
func (p *process) readTo(t *testing.T, end string) string {
	t.Helper()
	var text strings.Builder
	for p.lines.Scan() {
		text.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), end) {
			return text.String()
		}
	}
	t.Fatalf("it ended before it said %q:\n%s\n%s", end, text.String(), p.stderr.String())
	return ""
}

// interrupt is Ctrl-C.
func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// stop ends the process as a user does, and wants an orderly end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.interrupt(t)
	p.readTo(t, "Stopping")
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v, want exit status 0\n%s", err, p.stderr.String())
	}
	if p.stderr.Len() > 0 {
		t.Errorf("it complained:\n%s", p.stderr.String())
	}
}
