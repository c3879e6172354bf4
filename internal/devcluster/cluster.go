// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// DefaultNamespace is where manifests and kubectl commands that name no
// namespace go. Namespaces need not be created here.
const DefaultNamespace = "default"

const (
	readyPoll    = 10 * time.Millisecond
	readyTimeout = time.Minute
)

// ErrPortInUse is wrapped by the error of a Start whose port another process
// has; the message names the port.
var ErrPortInUse = errors.New("port in use")

// Options say how to run a cluster.
type Options struct {
	// State is the open folder to run in; required. It stays the caller's,
	// to be closed after the cluster has stopped.
	State *State
	// Port is the loopback port of the API; 0 means a free one.
	Port int
	// Log receives etcd's warnings and errors; nil discards them. See
	// SetLibraryLog for the API server's.
	Log io.Writer
}

// Cluster is a running API. Its methods are safe for concurrent use.
type Cluster struct {
	config     *rest.Config
	kubeconfig string
	cancel     context.CancelFunc
	done       chan struct{}
	err        error // set before done is closed
}

// Start runs an API and returns when it is ready. It runs until ctx ends, Stop
// is called or it fails; Wait tells.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	creds, err := loadCredentials(opts.State)
	if err != nil {
		return nil, err
	}
	ln, err := listen(ctx, opts.Port)
	if err != nil {
		return nil, err
	}
	store, err := startEtcd(ctx, opts.State, opts.Log)
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	server, err := newAPIServer(ln, store.endpoint, creds)
	if err != nil {
		return nil, errors.Join(err, ln.Close(), store.close())
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &Cluster{
		config:     clientConfig(ln, creds),
		kubeconfig: opts.State.Path("kubeconfig"),
		cancel:     cancel,
		done:       make(chan struct{}),
	}
	go c.run(ctx, server, store)
	if err := c.ready(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("serve the API on port %d: %w", port, ErrPortInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("serve the API on port %d: %w", port, err)
	}
	return ln, nil
}

func clientConfig(ln net.Listener, creds credentials) *rest.Config {
	return &rest.Config{
		Host:            "https://" + ln.Addr().String(),
		BearerToken:     creds.token,
		TLSClientConfig: rest.TLSClientConfig{CAData: creds.certPEM},
		QPS:             -1, // its only clients are this user's
	}
}

// run serves until ctx ends, then closes the store, in this order: the server
// still writes while it stops.
func (c *Cluster) run(ctx context.Context, server *apiserver.CustomResourceDefinitions, store *etcd) {
	defer close(c.done)
	defer c.cancel()
	err := server.GenericAPIServer.PrepareRun().RunWithContext(ctx)
	if err != nil {
		err = fmt.Errorf("run the API server: %w", err)
	}
	server.Informers.Shutdown()
	c.err = errors.Join(err, store.close())
}

// ready waits until the API answers, then says where it is.
func (c *Cluster) ready(ctx context.Context) error {
	client, err := rest.UnversionedRESTClientFor(withCodec(c.config))
	if err != nil {
		return fmt.Errorf("make a client for the API server: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, readyPoll, readyTimeout, true, func(ctx context.Context) (bool, error) {
		return client.Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the API server: %w", err)
	}
	return writeKubeconfig(c.kubeconfig, c.config)
}

// withCodec adds what a client for bare paths needs.
func withCodec(c *rest.Config) *rest.Config {
	c = rest.CopyConfig(c)
	c.NegotiatedSerializer = apiserver.Codecs.WithoutConversion()
	return c
}

// Config is a client configuration with all rights; each call returns a copy.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig is the path of a kubeconfig for this cluster, in the state
// folder.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// Done is closed when the cluster has stopped.
func (c *Cluster) Done() <-chan struct{} { return c.done }

// Wait returns when the cluster has stopped: nil if it was told to.
func (c *Cluster) Wait() error {
	<-c.done
	return c.err
}

// Stop ends the cluster and waits until its state is on disk. Stopping twice
// is harmless.
func (c *Cluster) Stop() error {
	c.cancel()
	return c.Wait()
}
