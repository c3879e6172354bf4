// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// askServer sends the body to an endpoint of the server and returns its answer. A
// token that is not in a file is read from in.
func (c *check) askServer(ctx context.Context, path string, body []byte, in io.Reader) ([]byte, error) {
	endpoint, err := c.endpoint(path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--server %q: %w", c.server, err)
	}
	req.Header.Set("Content-Type", "application/json")
	client, err := c.caller.client()
	if err != nil {
		return nil, err
	}
	if err := c.caller.authorize(req, in); err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("ask %s: nobody listens there; start `rolecall serve`, or give --server URL or --dir FOLDER", c.server)
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.server, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.server, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %s", c.server, resp.Status, message(text))
	}
	return text, nil
}

// endpoint is the URL to ask; --server may have a path, as behind a proxy.
func (c *check) endpoint(path string) (string, error) {
	base, err := url.Parse(c.server)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return "", fmt.Errorf("--server %q: want a URL, as http://127.0.0.1:8080", c.server)
	}
	if c.namespace != "" {
		base = base.JoinPath("ns", url.PathEscape(c.namespace))
	}
	base = base.JoinPath(path)
	if c.at != "" {
		base.RawQuery = url.Values{"time": {c.at}}.Encode()
	}
	return base.String(), nil
}

// message is what an error says: a JSON string, or whatever stands there.
func message(text []byte) string {
	var said string
	if err := json.Unmarshal(text, &said); err == nil {
		return said
	}
	return strings.TrimSpace(string(text))
}

// askFolder takes the folder into force exactly as `rolecall serve --dir` does,
// and asks it.
func (c *check) askFolder(
	ctx context.Context, body []byte, answer func(authz.Checker, *authz.Request) ([]byte, error),
) ([]byte, error) {
	r := authz.Request{}
	proof, err := new(authzen.Decoder).Evaluation(body, &r)
	if err != nil {
		return nil, err
	}
	if proof.Given() {
		return nil, errors.New("a folder says nothing of whose tokens count: ask a server by --server, or name the subject by --subject")
	}
	checker, err := loadFolder(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	r.Namespace, r.Time = cmp.Or(c.namespace, "default"), time.Now()
	if c.at != "" {
		if r.Time, err = time.Parse(time.RFC3339, c.at); err != nil {
			return nil, fmt.Errorf("--time %q: want a moment as in RFC 3339, such as 2027-01-31T09:30:00Z", c.at)
		}
	}
	return answer(checker, &r)
}

// published is a store.Observer that waits for the first publication.
type published chan struct{}

// Published implements store.Observer.
func (p published) Published(store.Info, time.Duration) {
	select {
	case p <- struct{}{}:
	default:
	}
}

// loadFolder returns the policy of a folder.
func loadFolder(ctx context.Context, path string) (authz.Checker, error) {
	env, err := expr.NewEnv()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(published, 1), make(chan error, 2)
	compiler := compile.New(env)
	s := store.New(store.Options{Compiler: compiler, Now: time.Now, Observer: ready})
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- dir.Run(ctx, path, s, dir.Options{Compiler: compiler}) }()
	select {
	case <-ready:
		return s.Checker()
	case err := <-ended:
		if err == nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("--dir %s: %w", path, err)
	}
}
