// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// split appends the segments of a request's path, percent-decoded once, and reports
// whether there is but one way to read them. What proxies and servers are known to
// read differently is refused: segments that are empty, . or ..; slashes and
// backslashes that are encoded; parameters behind a semicolon; what is encoded twice;
// control characters; and what is no UTF-8.
func split(path string, segments []string) ([]string, bool) {
	tail, ok := strings.CutPrefix(path, "/")
	if !ok || !usable(path) {
		return segments, false
	}
	for more := true; more; {
		var s string
		s, tail, more = strings.Cut(tail, "/")
		if s, ok = decode(s); !ok || s == "" && more || s == "." || s == ".." {
			return segments, false
		}
		segments = append(segments, s)
	}
	return segments, true
}

// usable reports whether every character of a path has one meaning.
func usable(path string) bool {
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ' || c == 0x7f, c == '\\' || c == ';' || c == '?' || c == '#':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || plainText(path)
}

// plainText reports whether a text is UTF-8 without characters that mean something
// to a server.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || 0x7f <= r && r < 0xa0 || r == '\\' || r == ';'
	})
}

// decode decodes a segment once.
func decode(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	decoded, err := url.PathUnescape(s)
	if err != nil || !plainText(decoded) || strings.IndexByte(decoded, '/') >= 0 || encoded(decoded) {
		return "", false
	}
	return decoded, true
}

// encoded reports whether somebody could decode a text once more.
func encoded(s string) bool {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '%' && hexadecimal(s[i+1]) && hexadecimal(s[i+2]) {
			return true
		}
	}
	return false
}

func hexadecimal(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// bareHost returns a host as routes name it: in small letters, without a port and
// without the root's dot. It is empty if there is none, or none that could be one.
func bareHost(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for i := range len(host) {
		c := host[i]
		if c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return ""
		}
	}
	return host
}

// remainder returns the path from its segment i on: decoded, and a part of the path
// where it was not encoded.
func (s *search) remainder(path string, i int) string {
	if strings.IndexByte(path, '%') >= 0 {
		return strings.Join(s.segments[i:], "/")
	}
	for range i + 1 {
		_, path, _ = strings.Cut(path, "/")
	}
	return path
}
