// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"io"
	"net"
	"sync"
	"testing"
)

// link passes connections on to an address, and can be cut: a network that one
// replica alone depends on.
type link struct {
	// address is where it listens, also after it was restored.
	address string

	to       string
	mu       sync.Mutex
	listener net.Listener // nil while it is cut
	open     map[net.Conn]bool
}

// startLink starts a link; it is cut when the test ends.
func startLink(t *testing.T, to string) *link {
	t.Helper()
	l := &link{address: "127.0.0.1:0", to: to, open: map[net.Conn]bool{}}
	l.restore(t)
	t.Cleanup(l.cut)
	return l
}

// restore accepts connections (again).
func (l *link) restore(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	l.address = listener.Addr().String()
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go l.pass(from, listener)
		}
	}()
}

// cut ends all connections and takes no more.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener == nil {
		return
	}
	_ = l.listener.Close()
	l.listener = nil
	for conn := range l.open {
		_ = conn.Close()
	}
	clear(l.open)
}

func (l *link) pass(from net.Conn, listener net.Listener) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = to.Close() }()
	if !l.keep(listener, from, to) {
		return
	}
	go func() {
		defer func() { _ = from.Close() }()
		_, _ = io.Copy(from, to)
	}()
	_, _ = io.Copy(to, from)
}

// keep notes the connections, or returns false if the link was cut meanwhile.
func (l *link) keep(listener net.Listener, conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != listener {
		return false
	}
	for _, conn := range conns {
		l.open[conn] = true
	}
	return true
}
