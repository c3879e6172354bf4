// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// client speaks HTTP/1.1 over one connection, by hand: what the generator spends
// is not the server's.
type client struct {
	conn   net.Conn
	in     *bufio.Reader
	marker []byte
	body   []byte
}

func newClient(conn net.Conn, marker string) *client {
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 16384), marker: []byte(marker)}
}

// ask sends a request and reports whether the answer allows.
func (c *client) ask(request []byte) (bool, error) {
	if _, err := c.conn.Write(request); err != nil {
		return false, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return false, fmt.Errorf("the server answers %q", bytes.TrimSpace(line))
	}
	length, err := c.header()
	if err != nil {
		return false, err
	}
	if length < 0 {
		return c.chunks()
	}
	body, err := c.in.Peek(length)
	if err != nil {
		return false, err
	}
	allowed := bytes.Contains(body, c.marker)
	_, err = c.in.Discard(length)
	return allowed, err
}

var contentLength = []byte("content-length:")

// header reads the header and returns the body's length; -1 if it comes in chunks.
func (c *client) header() (int, error) {
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			return length, nil
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):]))); err != nil {
				return 0, err
			}
		}
	}
}

// chunks reads a body that comes in chunks.
func (c *client) chunks() (bool, error) {
	c.body = c.body[:0]
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 13)
		if err != nil {
			return false, errors.New("the server sends neither a length nor chunks of at most 8 KiB")
		}
		chunk, err := c.in.Peek(int(size) + 2)
		if err != nil {
			return false, err
		}
		c.body = append(c.body, chunk[:size]...)
		if _, err := c.in.Discard(int(size) + 2); err != nil {
			return false, err
		}
		if size == 0 {
			return bytes.Contains(c.body, c.marker), nil
		}
	}
}
