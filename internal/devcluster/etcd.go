// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
)

// Raft's times, in milliseconds. The only member need not wait for others:
// short times make it serve sooner.
const (
	etcdTick     = 10
	etcdElection = 50
)

// etcd is a one-member etcd that listens on a Unix socket in a folder that
// only this user can enter; it needs no port and no password.
type etcd struct {
	server    *embed.Etcd
	socketDir string
	endpoint  string
}

// startEtcd returns when the member serves.
func startEtcd(ctx context.Context, state *State, log io.Writer) (*etcd, error) {
	// Not in the state folder: a socket's path may have about 100 bytes.
	socketDir, err := os.MkdirTemp("", "rolecall-etcd-")
	if err != nil {
		return nil, fmt.Errorf("make etcd's socket folder: %w", err)
	}
	e := &etcd{socketDir: socketDir, endpoint: "unix://" + filepath.Join(socketDir, "sock")}
	e.server, err = embed.StartEtcd(e.config(state, log))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start etcd: %w", err), os.RemoveAll(socketDir))
	}
	select {
	case <-e.server.Server.ReadyNotify():
		return e, nil
	case err = <-e.server.Err():
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, errors.Join(fmt.Errorf("wait for etcd: %w", err), e.close())
}

func (e *etcd) config(state *State, log io.Writer) *embed.Config {
	client := url.URL{Scheme: "unix", Path: filepath.Join(e.socketDir, "sock")}
	cfg := embed.NewConfig()
	cfg.Dir = state.Path("etcd")
	cfg.ListenClientUrls = []url.URL{client}
	cfg.AdvertiseClientUrls = []url.URL{client}
	cfg.ListenPeerUrls = nil // there are no peers
	cfg.TickMs, cfg.ElectionMs = etcdTick, etcdElection
	cfg.EnableGRPCGateway = false
	cfg.UnsafeNoFsync = state.temporary
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(etcdLogger(log))
	return cfg
}

// close flushes and stops the member.
func (e *etcd) close() error {
	e.server.Close()
	if err := os.RemoveAll(e.socketDir); err != nil {
		return fmt.Errorf("remove etcd's socket folder: %w", err)
	}
	return nil
}
