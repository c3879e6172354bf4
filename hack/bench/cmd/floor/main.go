// SPDX-License-Identifier: Apache-2.0

// Command floor serves POST /access/v1/evaluation with net/http: it decodes the
// body with encoding/json and answers a constant. It is what servers are compared
// with.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

type entity struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Properties map[string]any `json:"properties"`
}

type evaluation struct {
	Subject  entity `json:"subject"`
	Resource entity `json:"resource"`
	Action   struct {
		Name       string         `json:"name"`
		Properties map[string]any `json:"properties"`
	} `json:"action"`
	Context map[string]any `json:"context"`
}

var buffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 4096)) }}

func evaluate(w http.ResponseWriter, r *http.Request) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	var e evaluation
	_, err := b.ReadFrom(r.Body)
	if err == nil {
		err = json.Unmarshal(b.Bytes(), &e)
	}
	if err != nil || e.Subject.ID == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header()["Content-Type"] = contentType
	w.Write(answer) //nolint:errcheck // whoever is gone needs no answer
}

var (
	contentType = []string{"application/json"}
	answer      = []byte(`{"decision":true}`)
)

func main() {
	address := flag.String("listen", "127.0.0.1:9000", "address to listen at")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /access/v1/evaluation", evaluate)
	server := http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: time.Minute}
	fmt.Fprintln(os.Stderr, "floor:", server.ListenAndServe())
	os.Exit(1)
}
