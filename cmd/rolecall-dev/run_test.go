// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

// curlLine matches what the banner says to paste: URL, header, body.
var curlLine = regexp.MustCompile(`(?m)^  curl -s '([^']+)' -H '([^']+): ([^']+)' -d '([^']+)'$`)

// kubectlLine matches the banner's kubectl command: kubeconfig, arguments.
var kubectlLine = regexp.MustCompile(`(?m)^  kubectl --kubeconfig '([^']+)' (.+)$`)

// paste does what the banner's curl lines say, and returns the decisions.
func (p *process) paste(t *testing.T) []bool {
	t.Helper()
	var decisions []bool
	for _, line := range curlLine.FindAllStringSubmatch(p.banner, -1) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, line[1], strings.NewReader(line[4]))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(line[2], line[3])
		decisions = append(decisions, decision(t, req))
	}
	return decisions
}

func decision(t *testing.T, req *http.Request) bool {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Decision *bool }
	if err := json.Unmarshal(body, &got); err != nil || got.Decision == nil {
		t.Fatalf("answer %s %s: no decision (%v)", resp.Status, body, err)
	}
	return *got.Decision
}

// client uses the kubeconfig of the banner's kubectl line.
func (p *process) client(t *testing.T, plural string) dynamic.ResourceInterface {
	t.Helper()
	line := kubectlLine.FindStringSubmatch(p.banner)
	if line == nil || line[2] != "get rolecall" {
		t.Fatalf("no kubectl line in:\n%s", p.banner)
	}
	config, err := clientcmd.BuildConfigFromFlags("", line[1])
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(schema.GroupVersionResource{Group: "rolecall.dev", Version: "v1alpha1", Resource: plural}).Namespace("default")
}

// TestNewcomer is the way of somebody who has just cloned the repository: start,
// paste the lines, change something, stop, start again, start over.
func TestNewcomer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := launch(t, dir)
	for _, want := range []string{dir, "Starting etcd", "Installing the CRDs", "Applying the sample", "Starting the operator", "Allowed: Granted by stytch_admin", "Denied: NoPermission"} {
		if !strings.Contains(first.banner, want) {
			t.Errorf("it does not say %q:\n%s", want, first.banner)
		}
	}
	if diff := cmp.Diff([]bool{true, false}, first.paste(t)); diff != "" {
		t.Errorf("decisions of the pasted lines (-want +got):\n%s", diff)
	}
	if err := first.client(t, "rolebindings").Delete(t.Context(), "acme-admins", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	first.stop(t)

	second := launch(t, dir)
	if !strings.Contains(second.banner, "Keeping the objects") {
		t.Errorf("it does not say that it keeps what was there:\n%s", second.banner)
	}
	if diff := cmp.Diff([]bool{false, false}, second.paste(t)); diff != "" {
		t.Errorf("decisions after the binding was deleted (-want +got):\n%s", diff)
	}
	second.stop(t)

	third := launch(t, dir, "--fresh")
	if diff := cmp.Diff([]bool{true, false}, third.paste(t)); diff != "" {
		t.Errorf("decisions after --fresh (-want +got):\n%s", diff)
	}
	third.stop(t)
}

func TestApplyInPlaceOfTheSample(t *testing.T) {
	p := launch(t, filepath.Join(t.TempDir(), "state"), "--apply", "../../config/samples/cerbos-contacts")
	if got := p.paste(t); len(got) != 1 {
		t.Errorf("%d curl lines, want one about what was applied:\n%s", len(got), p.banner)
	}
	if !strings.Contains(p.banner, `"resource":{"type":"contact"`) {
		t.Errorf("the curl line is not about what was applied:\n%s", p.banner)
	}
	list, err := p.client(t, "resources").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.Items[0].GetName() != "contact" {
		t.Errorf("resources = %d, want the one of the folder and not the sample's", len(list.Items))
	}
	p.stop(t)
}

// TestSecondInterrupt: a request that never ends keeps the first from ending
// the process at once, and the second does not wait for it.
func TestSecondInterrupt(t *testing.T) {
	p := launch(t, filepath.Join(t.TempDir(), "state"))
	stall(t, curlLine.FindStringSubmatch(p.banner)[1])
	p.interrupt(t)
	p.readTo(t, "Stopping")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.cmd.Wait() // what it ended with is asked below
	}()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ended:
			status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() {
				t.Errorf("it ended with %v, want by the signal", p.cmd.ProcessState)
			}
			return
		case <-again.C:
			_ = p.cmd.Process.Signal(syscall.SIGINT) // fails when it has ended
		}
	}
}

// stall begins a request and does not end it.
func stall(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", req.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	head := "POST " + req.URL.Path + " HTTP/1.1\r\nHost: " + req.URL.Host +
		"\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
	if _, err := conn.Write([]byte(head)); err != nil {
		t.Fatal(err)
	}
	// The answer comes when the server begins to read the body.
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	occupied := t.TempDir()
	write(t, filepath.Join(occupied, "thesis.tex"), "")
	manifests := t.TempDir()
	write(t, filepath.Join(manifests, "bad.yaml"), "kind: Role\n")

	tests := map[string]struct {
		args []string
		want []string
	}{
		"a port in use names port and flag":      {args: []string{"--http-port=" + port}, want: []string{port, "in use", "--http-port"}},
		"the API's port is named likewise":       {args: []string{"--api-port=" + port}, want: []string{port, "in use", "--api-port"}},
		"a port that is none":                    {args: []string{"--health-port=70000"}, want: []string{"--health-port 70000"}},
		"a folder of other things":               {args: []string{"--dir=" + occupied}, want: []string{"--dir", occupied, "not empty"}},
		"an argument":                            {args: []string{"up"}, want: []string{`"up"`}},
		"a folder to apply that is not there":    {args: []string{"--apply=" + occupied + "/nowhere"}, want: []string{"--apply", "nowhere"}},
		"a folder to apply that cannot be read":  {args: []string{"--apply=" + manifests}, want: []string{"--apply", "bad.yaml", "apiVersion"}},
		"a folder to apply that holds no object": {args: []string{"--apply=" + occupied}, want: []string{"--apply", "no manifests"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := command(t, filepath.Join(t.TempDir(), "state"), tt.args...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if err := cmd.Run(); cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("ended with %v, want exit status 1", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("%q does not say %q", stderr.String(), want)
				}
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
