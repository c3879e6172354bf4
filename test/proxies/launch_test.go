// SPDX-License-Identifier: Apache-2.0

//go:build proxies

package proxies

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// proxies are programs that ask over HTTP.
var proxies = map[string]launch{
	"nginx": func(t *testing.T, at server.Addresses, application string) string {
		dir, address := t.TempDir(), live.FreeAddress(t)
		write(t, dir, "site.conf", adapted(t, "nginx.conf", address, at.HTTP, application))
		write(t, dir, "nginx.conf", `
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
`)
		return run(t, address, "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr", "-g", "daemon off; master_process off;")
	},
	"caddy": func(t *testing.T, at server.Addresses, application string) string {
		dir, address := t.TempDir(), live.FreeAddress(t)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "Caddyfile", strings.Replace(adapted(t, "Caddyfile", address, at.HTTP, application), "\n:8000 {", "\n:"+port+" {", 1))
		return run(t, address, "caddy", "run", "--config", filepath.Join(dir, "Caddyfile"), "--adapter", "caddyfile")
	},
	"traefik": func(t *testing.T, at server.Addresses, application string) string {
		dir, address := t.TempDir(), live.FreeAddress(t)
		write(t, dir, "dynamic.yaml", adapted(t, "traefik.yaml", address, at.HTTP, application))
		return run(t, address, os.Getenv("ROLECALL_TRAEFIK"), "--entrypoints.web.address="+address,
			"--providers.file.filename="+filepath.Join(dir, "dynamic.yaml"), "--global.checknewversion=false", "--global.sendanonymoususage=false")
	},
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts a proxy until the test ends, and returns its address once it answers.
func run(t *testing.T, address, program string, arguments ...string) string {
	t.Helper()
	var out live.Log
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, arguments...) //nolint:gosec // the tests' own; it is told to end, not killed
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if t.Failed() {
			t.Logf("%s: %s", program, out.String())
		}
	})
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		select {
		case <-ended:
			return false, errors.New("it has ended")
		default:
			return serves(ctx, address)
		}
	})
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out.String())
	}
	return address
}

// serves reports whether a proxy has a route: until then it answers 404, or not at all.
func serves(ctx context.Context, address string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, nil //nolint:nilerr // it does not listen yet
	}
	return resp.StatusCode != http.StatusNotFound, resp.Body.Close()
}
