// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

const question = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},` +
	`"resource":{"type":"record","id":"record-1","properties":{"owner_id":"bob"}},"context":{"scope":"tenant-17"}}`

// BenchmarkEvaluation compares the whole server with a bare net/http handler that
// decodes the same JSON with encoding/json and answers a constant. Each is a
// process of its own, and they are asked in turn, so that whatever else the machine
// does falls on both alike. Its ratios are Rolecall's requests a second, CPU a
// request and slowest hundredth to those of the bare handler.
//
// One iteration is a hundred requests to each, over connections that are kept.
func BenchmarkEvaluation(b *testing.B) {
	for _, connections := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			bare, rolecall := begin(b, "bare", question, connections), begin(b, "rolecall", question, connections)
			for b.Loop() {
				bare.ask(b)
				rolecall.ask(b)
			}
			b.ReportMetric(rolecall.perSecond()/bare.perSecond(), "requests/s-ratio")
			b.ReportMetric(rolecall.cpuEach(b)/bare.cpuEach(b), "cpu-ratio")
			b.ReportMetric(rolecall.p99()/bare.p99(), "p99-ratio")
			b.ReportMetric(rolecall.cpuEach(b)*1e6, "µs-cpu/request")
		})
	}
}

// serverVariable names the server that a process of this test is to be.
const serverVariable = "ROLECALL_TEST_SERVER"

// TestBeAServer is no test: it is what the other process of a benchmark runs. It
// prints its address, and then the CPU time that it has used whenever it is asked.
func TestBeAServer(t *testing.T) {
	var address string
	switch os.Getenv(serverVariable) {
	case "bare":
		address = bare(t)
	case "rolecall":
		address = strings.TrimPrefix(serve(t, policyOf(t, certification)).url, "http://")
	case "guarded":
		address = strings.TrimPrefix(serveBehind(t, guard(t), policyOf(t, certification)).url, "http://")
	case "logged":
		address = strings.TrimPrefix(serve(t, policyOf(t, certification), logged(t)).url, "http://")
	case "sessions":
		address = beSessions(t)
	default:
		return // nobody has asked for one
	}
	_, _ = fmt.Fprintln(os.Stdout, address)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(os.Stdout, used.Utime.Nano()+used.Stime.Nano())
	}
}

// bare starts the handler to compare with.
func bare(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	contentType, answer := []string{"application/json"}, []byte(`{"decision":true}`)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /access/v1/evaluation", func(w http.ResponseWriter, r *http.Request) {
		text := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(text)
		text.Reset()
		var body evaluationShape
		if _, err := text.ReadFrom(r.Body); err != nil || json.Unmarshal(text.Bytes(), &body) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header()["Content-Type"] = contentType
		_, _ = w.Write(answer)
	})
	s := &http.Server{Handler: mux}
	go func() { _ = s.Serve(l) }()
	tb.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// opponent is a server in a process of its own, with connections to it.
type opponent struct {
	in          io.Writer
	out         *bufio.Reader
	connections []*connection
	before      int64 // the CPU time that starting took, in nanoseconds
	spent       time.Duration
	latencies   []time.Duration
}

// connection asks the same thing again and again.
type connection struct {
	net.Conn
	request string
	answers *bufio.Reader
}

// begin starts a server of a name, with variables of its environment, that is to
// be asked a question.
func begin(b *testing.B, name, question string, connections int, variables ...string) *opponent {
	b.Helper()
	return beginWith(b, name, "", question, connections, variables...)
}

// beginWith is begin with more headers in every request, each with its line's end.
func beginWith(b *testing.B, name, headers, question string, connections int, variables ...string) *opponent {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self, "-test.run=^TestBeAServer$")
	cmd.Env = slices.Concat(os.Environ(), variables, []string{serverVariable + "=" + name})
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _, _ = io.Copy(io.Discard, out); _ = cmd.Wait() })
	const head = "POST /access/v1/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
	o := &opponent{in: in, out: bufio.NewReader(out)}
	address := o.line(b)
	for range connections {
		c, err := new(net.Dialer).DialContext(b.Context(), "tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		o.connections = append(o.connections, &connection{Conn: c, request: head + strconv.Itoa(len(question)) + "\r\n" + headers + "\r\n" + question, answers: bufio.NewReader(c)})
	}
	for range 20 { // warm up
		o.ask(b)
	}
	o.before, o.spent, o.latencies = o.cpu(b), 0, nil
	return o
}

func (o *opponent) line(b *testing.B) string {
	b.Helper()
	line, err := o.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// ask asks a hundred times, or once over every connection if there are more.
func (o *opponent) ask(b *testing.B) {
	b.Helper()
	each := max(1, 100/len(o.connections))
	took := make([][]time.Duration, len(o.connections))
	var all sync.WaitGroup
	start := time.Now()
	for i, c := range o.connections {
		all.Go(func() {
			for range each {
				begun := time.Now()
				if err := c.once(); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	all.Wait()
	o.spent += time.Since(start)
	o.latencies = append(o.latencies, slices.Concat(took...)...)
}

func (c *connection) once() error {
	if _, err := io.WriteString(c, c.request); err != nil {
		return err
	}
	line, err := c.answers.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.Contains(line, " 200 ") {
		return fmt.Errorf("answer %q, want 200", line)
	}
	for length := 0; ; {
		line, err := c.answers.ReadString('\n')
		if err != nil {
			return err
		}
		if value, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(value))
		}
		if line == "\r\n" {
			_, err := c.answers.Discard(length)
			return err
		}
	}
}

func (o *opponent) perSecond() float64 {
	return float64(len(o.latencies)) / o.spent.Seconds()
}

func (o *opponent) p99() float64 {
	slices.Sort(o.latencies)
	return o.latencies[len(o.latencies)*99/100].Seconds()
}

// cpu returns the CPU time in nanoseconds that the process has used.
func (o *opponent) cpu(b *testing.B) int64 {
	b.Helper()
	if _, err := io.WriteString(o.in, "\n"); err != nil {
		b.Fatal(err)
	}
	used, err := strconv.ParseInt(o.line(b), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return used
}

// cpuEach returns the CPU time of a request in seconds.
func (o *opponent) cpuEach(b *testing.B) float64 {
	b.Helper()
	return time.Duration(o.cpu(b)-o.before).Seconds() / float64(len(o.latencies))
}

// BenchmarkDecode is decoding alone, beside encoding/json into the same shape.
func BenchmarkDecode(b *testing.B) {
	body := []byte(question)
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e evaluationShape
			if err := json.Unmarshal(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("authzen", func(b *testing.B) {
		b.ReportAllocs()
		var d authzen.Decoder
		var r authz.Request
		for b.Loop() {
			if _, err := d.Evaluation(body, &r); err != nil {
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
