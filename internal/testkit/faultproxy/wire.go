// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"net"
	"sync"
	"testing"
)

// wire is a listener that can be cut and mended, always at the same address.
type wire struct {
	address string

	mu   sync.Mutex
	mend *sync.Cond
	// socket is nil while it is cut.
	socket net.Listener
	closed bool
	open   map[*conn]bool
}

func listen(tb testing.TB) *wire {
	tb.Helper()
	w := &wire{address: "127.0.0.1:0", open: map[*conn]bool{}}
	w.mend = sync.NewCond(&w.mu)
	w.Restore(tb)
	return w
}

// Accept implements net.Listener: it outlives cuts.
func (w *wire) Accept() (net.Conn, error) {
	for {
		socket := w.listening()
		if socket == nil {
			return nil, net.ErrClosed
		}
		c, err := socket.Accept()
		if err != nil {
			w.forget(socket)
			continue
		}
		if kept := w.keep(socket, c); kept != nil {
			return kept, nil
		}
	}
}

// listening waits until the wire is not cut; it returns nil once it is closed.
func (w *wire) listening() net.Listener {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.socket == nil && !w.closed {
		w.mend.Wait()
	}
	if w.closed {
		return nil
	}
	return w.socket
}

func (w *wire) forget(socket net.Listener) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.socket == socket {
		w.socket = nil
	}
}

// keep notes a connection, unless the wire was cut meanwhile.
func (w *wire) keep(socket net.Listener, c net.Conn) net.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.socket != socket {
		_ = c.Close()
		return nil
	}
	kept := &conn{Conn: c, frozen: make(chan struct{}), closed: make(chan struct{}), forget: w.drop}
	w.open[kept] = true
	return kept
}

func (w *wire) drop(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

// Close implements net.Listener.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mend.Broadcast()
	w.mu.Unlock()
	w.Cut()
	return nil
}

// Addr implements net.Listener.
func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Cut closes everything.
func (w *wire) Cut() {
	w.mu.Lock()
	if w.socket != nil {
		_ = w.socket.Close()
		w.socket = nil
	}
	w.mu.Unlock()
	w.Drop()
}

// Restore listens again, if the wire is cut.
func (w *wire) Restore(tb testing.TB) {
	tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.socket != nil {
		return
	}
	socket, err := net.Listen("tcp", w.address)
	if err != nil {
		tb.Fatalf("mend the wire at %s: %v", w.address, err)
	}
	w.socket, w.address = socket, socket.Addr().String()
	w.mend.Broadcast()
}

// Drop closes the connections there are.
func (w *wire) Drop() {
	for _, c := range w.all() {
		_ = c.Close()
	}
}

// Freeze stops the connections there are.
func (w *wire) Freeze() {
	for _, c := range w.all() {
		c.freeze.Do(func() { close(c.frozen) })
	}
}

func (w *wire) all() []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*conn, 0, len(w.open))
	for c := range w.open {
		all = append(all, c)
	}
	return all
}

// conn is a connection that can freeze: what arrives is not read, and what is
// written goes nowhere.
type conn struct {
	net.Conn
	forget         func(*conn)
	freeze, end    sync.Once
	frozen, closed chan struct{}
}

// Read implements net.Conn. What arrives while it waits is lost if the connection
// is frozen by then.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.thaw(err)
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.thaw(nil); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// thaw waits, if the connection is frozen, until it is closed.
func (c *conn) thaw(err error) error {
	select {
	case <-c.frozen:
		<-c.closed
		return net.ErrClosed
	default:
		return err
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.end.Do(func() { close(c.closed) })
	c.forget(c)
	return c.Conn.Close()
}
