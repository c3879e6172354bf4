// SPDX-License-Identifier: Apache-2.0

// Package live is what tests of running programs share: addresses, processes and
// their logs, and waiting until something holds. Nothing here judges how long
// anything takes.
package live

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Patience is how long a condition may take to hold. A condition is waited for, so it
// only decides how long a failing test takes.
const Patience = 5 * time.Minute

// Interval is the time between two looks at a condition.
const Interval = 50 * time.Millisecond

// Eventually waits until the condition holds, which is when it returns nil. It fails
// the test with the condition's last error after Patience.
func Eventually(t testing.TB, what string, condition func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), Interval, Patience, true, func(ctx context.Context) (bool, error) {
		err := condition(ctx)
		if err == nil || ctx.Err() == nil { // the last one may only say that time is up
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v: %v", what, err, last)
	}
}

// FreeAddress returns a loopback address at which nobody listens: for programs that
// have to be told where to listen.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// Build builds cmd/rolecall as it is in the tree whose root is given, and returns the
// path of the program.
func Build(t testing.TB, root string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rolecall")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/rolecall")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build cmd/rolecall: %v\n%s", err, out)
	}
	return program
}

// Log collects what is written to it. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tail returns the last n bytes of it.
func (l *Log) Tail(n int) string {
	text := l.String()
	return text[max(0, len(text)-n):]
}
