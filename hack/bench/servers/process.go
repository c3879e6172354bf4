// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Pin puts a command on one core, where taskset exists and there are two.
func Pin(core int, command ...string) []string {
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		return command
	}
	return append([]string{taskset, "-c", strconv.Itoa(core)}, command...)
}

// process is a server that runs.
type process struct {
	name    string
	command *exec.Cmd
	log     string
	done    chan struct{}
	err     error
}

// start starts a server on core 0.
func start(ctx context.Context, dir, name string, gogc int, command []string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, fmt.Sprintf("%s-%d.log", name, gogc)), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the process has it open itself
	command = Pin(0, command...)
	p.command = exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // what it starts is what it has built
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Env = append(os.Environ(), "GOGC="+strconv.Itoa(gogc))
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = 10 * time.Second
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.done)
	}()
	return p, nil
}

// ready waits until the server answers a request.
func (p *process) ready(ctx context.Context, url, body string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx, url, body)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s has ended (%w): see %s", p.name, p.err, p.log)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer (%w): see %s", p.name, err, p.log)
		case <-tick.C:
		}
	}
}

func ask(ctx context.Context, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// stop ends the server.
func (p *process) stop() error {
	err := p.command.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		err = p.command.Process.Kill()
		<-p.done
	}
	return err
}

// free returns an address of the loopback interface that nobody listens at.
func free(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
