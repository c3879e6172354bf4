// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/rolecall/rolecall/internal/wire/sar"
)

// usual is a review as an API server sends it for a user of its own.
var usual = review(`{"resourceAttributes":{"namespace":"team-a","verb":"list","version":"v1","resource":"pods"},` +
	`"user":"jane","groups":["developers","system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=0123456789abcdef"]}}`)

// BenchmarkReview compares the whole server with a bare net/http handler that
// decodes the same review with encoding/json into Kubernetes' type and answers a
// constant. Both are in this process and asked in turns, so that whatever else the
// machine does falls on both alike; the ratio is of the requests a second.
//
// One iteration is a hundred requests to each, over connections that are kept.
func BenchmarkReview(b *testing.B) {
	for _, connections := range []int{1, 16} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			bare := httptest.NewServer(http.HandlerFunc(constant))
			b.Cleanup(bare.Close)
			floor, rolecall := dial(b, bare.URL, connections), dial(b, start(b, ""), connections)
			for b.Loop() {
				floor.ask(b)
				rolecall.ask(b)
			}
			b.ReportMetric(floor.spent.Seconds()/rolecall.spent.Seconds(), "requests/s-ratio")
			b.ReportMetric(float64(rolecall.asked)/rolecall.spent.Seconds(), "requests/s")
		})
	}
}

func constant(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var review authorizationv1.SubjectAccessReview
	if err != nil || json.Unmarshal(body, &review) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{},"status":{"allowed":true}}`)
}

// clients ask one server the same thing again and again.
type clients struct {
	connections []*bufio.ReadWriter
	asked       int
	spent       time.Duration
}

func dial(b *testing.B, url string, n int) *clients {
	b.Helper()
	c := &clients{}
	for range n {
		conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		c.connections = append(c.connections, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)))
	}
	c.ask(b) // warm up
	c.asked, c.spent = 0, 0
	return c
}

// ask asks a hundred times, or as often over every connection.
func (c *clients) ask(b *testing.B) {
	b.Helper()
	each := max(1, 100/len(c.connections))
	var all sync.WaitGroup
	begun := time.Now()
	for _, conn := range c.connections {
		all.Go(func() {
			for range each {
				if err := once(conn); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	c.spent += time.Since(begun)
	c.asked += each * len(c.connections)
}

func once(conn *bufio.ReadWriter) error {
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(usual), usual)
	if err := conn.Flush(); err != nil {
		return err
	}
	answer, err := http.ReadResponse(conn.Reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("answer %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// BenchmarkDecode is decoding alone, beside encoding/json into Kubernetes' type.
func BenchmarkDecode(b *testing.B) {
	body := []byte(usual)
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var review authorizationv1.SubjectAccessReview
			if err := json.Unmarshal(body, &review); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sar", func(b *testing.B) {
		b.ReportAllocs()
		var d sar.Decoder
		for b.Loop() {
			if _, err := d.Review(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
