// SPDX-License-Identifier: Apache-2.0

// Command floor serves POST /access/v1/evaluation with net/http: it decodes the
// body with encoding/json and answers a constant. It is what servers are compared
// with. With -decode=false it only reads the body: no server with net/http can do
// better than that.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
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

// evaluate answers a request whose body decode takes.
func evaluate(w http.ResponseWriter, r *http.Request, decode func([]byte) error) {
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	_, err := b.ReadFrom(r.Body)
	if err == nil {
		err = decode(b.Bytes())
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header()["Content-Type"] = contentType
	w.Write(answer) //nolint:errcheck // whoever is gone needs no answer
}

func decoded(body []byte) error {
	var e evaluation
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	if e.Subject.ID == "" {
		return errors.New("no subject")
	}
	return nil
}

func undecoded([]byte) error { return nil }

var (
	contentType = []string{"application/json"}
	answer      = []byte(`{"decision":true}`)
)

func main() {
	address := flag.String("listen", "127.0.0.1:9000", "address to listen at")
	decode := flag.Bool("decode", true, "decode the body")
	flag.Parse()
	decoder := undecoded
	if *decode {
		decoder = decoded
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /access/v1/evaluation", func(w http.ResponseWriter, r *http.Request) { evaluate(w, r, decoder) })
	server := http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: time.Minute}
	fmt.Fprintln(os.Stderr, "floor:", server.ListenAndServe())
	os.Exit(1)
}
