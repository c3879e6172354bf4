// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patient is a listener whose connections set their deadlines late.
//
// net/http sets the deadlines of a connection nine times a request, each time to
// a moment that hardly ever comes, and each time a timer of the runtime is moved:
// together they cost more than the decision. These connections note a deadline,
// and leave the one in force where it is as long as it comes no later: who waits
// is then woken too early rather than too late, finds that his time is not up,
// and only now sets the deadline that he wants.
type patient struct{ net.Listener }

// Accept implements net.Listener.
func (l patient) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newPatientConn(c), nil
}

// patientConn is a connection of a patient listener. Like any other it may be
// read, written and given deadlines from several goroutines.
type patientConn struct {
	net.Conn
	reads, writes direction
}

func newPatientConn(c net.Conn) *patientConn {
	return &patientConn{
		Conn:   c,
		reads:  direction{move: c.Read, set: c.SetReadDeadline},
		writes: direction{move: c.Write, set: c.SetWriteDeadline},
	}
}

// Read implements net.Conn.
func (c *patientConn) Read(b []byte) (int, error) {
	return c.reads.do(b)
}

// Write implements net.Conn.
func (c *patientConn) Write(b []byte) (int, error) {
	return c.writes.do(b)
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.reads.want(t), c.writes.want(t))
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	return c.reads.want(t)
}

// SetWriteDeadline implements net.Conn.
func (c *patientConn) SetWriteDeadline(t time.Time) error {
	return c.writes.want(t)
}

// CloseWrite lets net/http tell a client that no more will come, and still hear
// it out.
func (c *patientConn) CloseWrite() error {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return errors.ErrUnsupported
}

// direction is one direction of a connection, and its deadline.
type direction struct {
	// move and set read or write, and set the deadline in force.
	move func([]byte) (int, error)
	set  func(time.Time) error

	mu sync.Mutex
	// wanted is the deadline that was asked for last, and real the one in force;
	// zero is none.
	wanted, real time.Time
	// passed says that the one in force is known to have passed.
	passed bool
	// moving counts the reads or writes that are under way.
	moving int
}

// do reads or writes, until the wanted deadline at the latest.
func (d *direction) do(b []byte) (n int, err error) {
	if !d.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer d.end()
	for {
		var more int
		more, err = d.move(b[n:])
		n += more
		if err == nil || !d.early(err) {
			return n, err
		}
	}
}

// longAgo is a moment that has passed by any clock, in Unix time. To wake a read,
// net/http sets a deadline of 1970; often that read has not begun yet.
const longAgo = 1e9

// begin reports whether there is time left to read or write.
func (d *direction) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.wanted.IsZero() && d.wanted.Unix() < longAgo {
		return false
	}
	d.moving++
	_ = d.enforce() // a connection that is closed says so when it is read or written
	return true
}

func (d *direction) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moving--
}

// want notes a deadline. It is put in force at once only for those who would wait
// too long otherwise.
func (d *direction) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.moving == 0 {
		return nil
	}
	return d.enforce()
}

// early reports whether what ended with err was ended by another deadline than
// the wanted one, and may go on: that one is in force now.
func (d *direction) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed = true
	return !d.real.Equal(d.wanted) && d.enforce() == nil
}

// enforce puts the wanted deadline in force, unless the one that is comes first
// or is the same. The mutex is held.
func (d *direction) enforce() error {
	if d.real.Equal(d.wanted) {
		return nil
	}
	ahead := !d.passed && !d.real.IsZero()
	if ahead && (d.wanted.IsZero() || d.real.Before(d.wanted)) {
		return nil
	}
	d.real, d.passed = d.wanted, false
	return d.set(d.real)
}
