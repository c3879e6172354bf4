// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

const question = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},` +
	`"resource":{"type":"record","id":"record-1","properties":{"owner_id":"bob"}},"context":{"scope":"tenant-17"}}`

// BenchmarkEvaluation compares the whole server, over loopback connections that
// are kept, with a bare net/http handler that decodes the same JSON with
// encoding/json and answers a constant. The last one asks both in turn, so that
// whatever else the machine does falls on both alike; its ratio is the requests a
// second of Rolecall to those of the bare handler.
func BenchmarkEvaluation(b *testing.B) {
	const path = "/access/v1/evaluation"
	b.Run("bare", func(b *testing.B) {
		load(b, "http://"+bare(b)+path)
	})
	b.Run("rolecall", func(b *testing.B) {
		load(b, serve(b, policyOf(b, certification)).url+path)
	})
	b.Run("both", func(b *testing.B) {
		took := load(b, "http://"+bare(b)+path, serve(b, policyOf(b, certification)).url+path)
		b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "ratio")
	})
}

// bare starts the handler to compare with.
func bare(b *testing.B) string {
	b.Helper()
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"decision":true,"context":{"reason":"Granted","roles":["reader"],"revision":"0123456789abcdef"}}`+"\n")
	})}
	go func() { _ = s.Serve(l) }()
	b.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// load asks as fast as it can, every URL in turn, and returns the time that each
// took.
func load(b *testing.B, urls ...string) []time.Duration {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	took := make([]atomic.Int64, len(urls))
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for i, url := range urls {
				start := time.Now()
				if err := once(b.Context(), client, url); err != nil {
					b.Error(err)
					return
				}
				took[i].Add(int64(time.Since(start)))
			}
		}
	})
	b.ReportMetric(float64(b.N*len(urls))/b.Elapsed().Seconds(), "requests/s")
	each := make([]time.Duration, len(urls))
	for i := range took {
		each[i] = time.Duration(took[i].Load())
	}
	return each
}

// once asks one URL.
func once(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(question))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return resp.Body.Close()
}

// BenchmarkDecode is decoding alone, beside encoding/json into a map.
func BenchmarkDecode(b *testing.B) {
	body := []byte(question)
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(body, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("authzen", func(b *testing.B) {
		b.ReportAllocs()
		var d authzen.Decoder
		var r authz.Request
		for b.Loop() {
			if err := d.Evaluation(body, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkHandler is the door without net/http.
func BenchmarkHandler(b *testing.B) {
	ask := asker(b, question)
	b.ReportAllocs()
	for b.Loop() {
		if err := ask(); err != nil {
			b.Fatal(err)
		}
	}
}
