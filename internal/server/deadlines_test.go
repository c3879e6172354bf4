// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// counted is a connection that counts how often a deadline of it is set.
type counted struct {
	net.Conn
	sets atomic.Int32
}

func (c *counted) SetReadDeadline(t time.Time) error {
	c.sets.Add(1)
	return c.Conn.SetReadDeadline(t)
}

func (c *counted) SetWriteDeadline(t time.Time) error {
	c.sets.Add(1)
	return c.Conn.SetWriteDeadline(t)
}

// pair returns a patient connection, what it is made of, and its other end.
func pair(t *testing.T) (*patientConn, *counted, net.Conn) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	other, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close(); _ = accepted.Close() })
	c := &counted{Conn: accepted}
	return newPatientConn(c), c, other
}

const (
	soon  = 20 * time.Millisecond
	never = time.Hour
)

func deadlines(t *testing.T, set func(time.Time) error, moments ...time.Duration) {
	t.Helper()
	for _, d := range moments {
		var at time.Time
		if d != 0 {
			at = time.Now().Add(d)
		}
		if err := set(at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestADeadlineEndsAWait: whatever was wanted before, the deadline that is wanted
// last ends a read, and a write that nobody reads.
func TestADeadlineEndsAWait(t *testing.T) {
	for name, moments := range map[string][]time.Duration{
		"the first one":              {soon},
		"one that has passed":        {-never},
		"earlier than before":        {never, soon},
		"later than before":          {-never, soon},
		"after none":                 {never, 0, soon},
		"earlier than one that held": {soon, never, soon},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := pair(t)
			for direction, move := range map[string]func() error{
				"read": func() error {
					deadlines(t, c.SetReadDeadline, moments...)
					_, err := c.Read(make([]byte, 1))
					return err
				},
				"write": func() error { deadlines(t, c.SetWriteDeadline, moments...); return flood(c) },
				"read again, by both deadlines": func() error {
					deadlines(t, c.SetDeadline, moments...)
					_, err := c.Read(make([]byte, 1))
					return err
				},
			} {
				if err := move(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s ended with %v, want the deadline", direction, err)
				}
			}
		})
	}
}

// flood writes until that fails.
func flood(c net.Conn) error {
	for {
		if _, err := c.Write(make([]byte, 1<<16)); err != nil {
			return err
		}
	}
}

// TestADeadlineComesNearer: it ends a read that waits already.
func TestADeadlineComesNearer(t *testing.T) {
	c, inner, _ := pair(t)
	deadlines(t, c.SetReadDeadline, never)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	for inner.sets.Load() < 1 { // until it waits
		runtime.Gosched()
	}
	deadlines(t, c.SetReadDeadline, -never)
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ended with %v, want the deadline", err)
	}
}

// leave has a deadline in force that is no longer wanted, as a request leaves it.
func leave(t *testing.T, d *direction, inForce, wanted time.Duration) {
	t.Helper()
	deadlines(t, d.set, inForce)
	d.real = time.Now()
	deadlines(t, d.want, wanted)
}

// TestAReadWaitsOn: a deadline of before does not end it.
func TestAReadWaitsOn(t *testing.T) {
	for name, wanted := range map[string]time.Duration{"until another one": never, "for ever": 0} {
		t.Run(name, func(t *testing.T) {
			c, inner, other := pair(t)
			leave(t, &c.reads, soon, wanted)
			ended := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				ended <- err
			}()
			for inner.sets.Load() < 2 { // until the one of before has passed
				runtime.Gosched()
			}
			if _, err := other.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Errorf("ended with %v, want what was written", err)
			}
		})
	}
}

// TestAWriteGoesOn: a write that a deadline of before wakes goes on where it was,
// so that nothing is lost or sent twice.
func TestAWriteGoesOn(t *testing.T) {
	c, inner, other := pair(t)
	leave(t, &c.writes, soon, never)
	got := make(chan []byte, 1)
	go func() {
		for inner.sets.Load() < 2 { // until the one of before has passed
			runtime.Gosched()
		}
		all, _ := io.ReadAll(other)
		got <- all
	}()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	if n, err := c.Write(sent); n != len(sent) || err != nil {
		t.Errorf("wrote %d bytes, %v; want %d", n, err, len(sent))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(<-got, sent) {
		t.Error("what arrived is not what was sent")
	}
}

// TestDeadlinesAreSetLate: what net/http does for a request leaves the deadlines
// in force where they are, unless it has to wake a read.
func TestDeadlinesAreSetLate(t *testing.T) {
	c, inner, other := pair(t)
	request := func() {
		deadlines(t, c.SetReadDeadline, never) // to wait for the next request
		if _, err := other.Write([]byte("request")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		deadlines(t, c.SetReadDeadline, 0, never, 2*never) // to read it
		deadlines(t, c.SetWriteDeadline, never)
		if _, err := c.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		deadlines(t, c.SetWriteDeadline, 0)
		deadlines(t, c.SetReadDeadline, 0)
	}
	request()
	watch := func() { // for a client that goes away
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			ended <- err
		}()
		runtime.Gosched()
		if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the watch ended with %v, want the deadline", err)
		}
		deadlines(t, c.SetReadDeadline, 0)
	}
	for range 100 {
		before := inner.sets.Load()
		request()
		watch()
		if got := inner.sets.Load() - before; got > 2 {
			t.Fatalf("deadlines were set %d times, want at most twice", got)
		}
	}
	request()
	before := inner.sets.Load()
	request()
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read that begins too late ended with %v, want the deadline", err)
	}
	request()
	if got := inner.sets.Load() - before; got != 0 {
		t.Errorf("deadlines were set %d times although nobody had to be woken, want never", got)
	}
}

func TestCloseWrite(t *testing.T) {
	c, _, other := pair(t)
	c = newPatientConn(c.Conn.(*counted).Conn)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(other); err != nil {
		t.Errorf("the other end read %v, want the end", err)
	}
	if _, err := other.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("what the other end still says is lost: %v", err)
	}
}
