// SPDX-License-Identifier: Apache-2.0

// Package load asks a server as fast as it answers, over some connections that
// each wait for the answer, with requests made beforehand. It counts wrong
// answers.
package load

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what to ask whom.
type Options struct {
	// Address is HOST:PORT, on the loopback interface only.
	Address string
	// Path is that of the URL.
	Path string
	// Bodies is a file of bodies, as package export writes them.
	Bodies string
	// Marker is what the answer contains if it allows.
	Marker string
	// Constant says that the server always allows: its answers are not compared.
	Constant bool
	// Conns is how many connections there are.
	Conns int
	// Warm is not measured, Slice is.
	Warm, Slice time.Duration
	// Process is the server's, for what it uses.
	Process int
}

// Result is what was measured.
type Result struct {
	Answers, Wrong int
	Slice          time.Duration
	// Latencies of single requests, in nanoseconds, sorted.
	Latencies []float64
	// CPU is what the server used, RSS in bytes what it holds at the end.
	CPU time.Duration
	RSS float64
}

type question struct {
	request []byte
	allow   bool
}

// Run asks for as long as o says.
func Run(o Options) (Result, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return Result{}, fmt.Errorf("%s is not an address of the loopback interface", o.Address)
	}
	questions, err := read(o)
	if err != nil {
		return Result{}, err
	}
	begin := time.Now().Add(o.Warm)
	end := begin.Add(o.Slice)
	workers := make([]worker, o.Conns)
	var wg sync.WaitGroup
	for i := range workers {
		w := &workers[i]
		*w = worker{options: o, questions: questions, next: i * len(questions) / o.Conns, begin: begin, end: end}
		wg.Go(w.run)
	}
	time.Sleep(time.Until(begin))
	before, _, err := usage(o.Process)
	if err != nil {
		return Result{}, err
	}
	time.Sleep(time.Until(end))
	after, rss, err := usage(o.Process)
	wg.Wait()
	if err != nil {
		return Result{}, err
	}
	return collect(workers, Result{Slice: o.Slice, CPU: after - before, RSS: rss})
}

func read(o Options) ([]question, error) {
	text, err := os.ReadFile(o.Bodies)
	if err != nil {
		return nil, err
	}
	var questions []question
	for line := range strings.Lines(string(text)) {
		right, body, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			return nil, fmt.Errorf("%s: %q is no answer and a body", o.Bodies, line)
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", o.Path, len(body), body)
		questions = append(questions, question{b.Bytes(), o.Constant || right == "1"})
	}
	if len(questions) == 0 {
		return nil, fmt.Errorf("%s has no bodies", o.Bodies)
	}
	return questions, nil
}

// worker is one connection.
type worker struct {
	options    Options
	questions  []question
	next       int
	begin, end time.Time

	latencies []float64
	wrong     int
	err       error
}

func (w *worker) run() {
	conn, err := net.Dial("tcp", w.options.Address) //nolint:noctx // it ends by its deadline
	if err != nil {
		w.err = err
		return
	}
	defer conn.Close() //nolint:errcheck // nothing is left to be written
	if w.err = conn.SetDeadline(w.end.Add(20 * time.Second)); w.err != nil {
		return
	}
	c := newClient(conn, w.options.Marker)
	for w.err == nil && w.ask(c) {
	}
}

// ask asks the next question, and reports whether there is time for more.
func (w *worker) ask(c *client) bool {
	q := &w.questions[w.next%len(w.questions)]
	w.next++
	start := time.Now()
	allowed, err := c.ask(q.request)
	end := time.Now()
	if err != nil {
		w.err = err
		return false
	}
	if allowed != q.allow {
		w.wrong++
	}
	if start.After(w.begin) && !end.After(w.end) {
		w.latencies = append(w.latencies, float64(end.Sub(start).Nanoseconds()))
	}
	return !end.After(w.end)
}

func collect(workers []worker, r Result) (Result, error) {
	for i := range workers {
		w := &workers[i]
		if w.err != nil {
			return Result{}, fmt.Errorf("%s: %w", w.options.Address, w.err)
		}
		r.Latencies = append(r.Latencies, w.latencies...)
		r.Wrong += w.wrong
	}
	slices.Sort(r.Latencies)
	r.Answers = len(r.Latencies)
	if r.Answers == 0 {
		return Result{}, fmt.Errorf("%s: no answer in %s", workers[0].options.Address, r.Slice)
	}
	return r, nil
}
