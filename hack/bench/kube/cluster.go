// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

const (
	namespace = "default"
	leaseName = "rolecall"
)

// cluster is an etcd and a kube-apiserver of the measurement's own.
type cluster struct {
	env        *envtest.Environment
	config     *rest.Config
	client     client.WithWatch
	kubeconfig string
}

// build builds the operator as it is in the tree.
func build(ctx context.Context, program string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/rolecall").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build cmd/rolecall: %w\n%s", err, out)
	}
	return nil
}

// startCluster starts an API server that knows the kinds.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	command := exec.CommandContext(ctx, "hack/kube/build.sh")
	command.Stderr = os.Stderr // it may take minutes, and says so
	bin, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("build the API server: %w", err)
	}
	c := &cluster{env: &envtest.Environment{
		BinaryAssetsDirectory:    strings.TrimSpace(string(bin)),
		CRDDirectoryPaths:        []string{"config/crd/bases"},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}}
	etcd := &envtest.Etcd{}
	etcd.Configure().Set("unsafe-no-fsync", "true") // no disk is measured here
	c.env.ControlPlane.Etcd = etcd
	if c.config, err = c.env.Start(); err != nil {
		return nil, fmt.Errorf("start the API server: %w", err)
	}
	c.config.QPS = -1
	if err := c.connect(dir); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *cluster) connect(dir string) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	var err error
	if c.client, err = client.NewWithWatch(c.config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	c.kubeconfig = filepath.Join(dir, "kubeconfig")
	return os.WriteFile(c.kubeconfig, c.env.KubeConfig, 0o600)
}

func (c *cluster) stop() { _ = c.env.Stop() }

// forbidLead takes the lease, so that no replica leads. A leader that has stopped
// leaves its own behind.
func (c *cluster) forbidLead(ctx context.Context) error {
	if err := c.allowLead(ctx); err != nil {
		return err
	}
	now := metav1.NowMicro()
	return c.client.Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: leaseName, Namespace: namespace},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("nobody"), LeaseDurationSeconds: new(int32(7 * 24 * 3600)),
			AcquireTime: &now, RenewTime: &now,
		},
	})
}

// allowLead gives the lease back.
func (c *cluster) allowLead(ctx context.Context) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: leaseName, Namespace: namespace}}
	return client.IgnoreNotFound(c.client.Delete(ctx, lease))
}

// statusWrites returns how many status writes of each resource, such as rolebindings,
// the API server has taken so far, and how many of all it has refused.
func (c *cluster) statusWrites(ctx context.Context) (taken map[string]int, refused int, err error) {
	text, err := c.metrics(ctx)
	if err != nil {
		return nil, 0, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, 0, fmt.Errorf("read the API server's metrics: %w", err)
	}
	taken = map[string]int{}
	for _, m := range families["apiserver_request_total"].GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["group"] != v1alpha1.GroupName || labels["subresource"] != "status" {
			continue
		}
		if n := int(m.GetCounter().GetValue()); labels["code"] == "200" {
			taken[labels["resource"]] += n
		} else {
			refused += n
		}
	}
	return taken, refused, nil
}

// metrics reads those of the API server.
func (c *cluster) metrics(ctx context.Context) ([]byte, error) {
	d, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return nil, err
	}
	text, err := d.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	return text, nil
}

// unready returns the name of a RoleBinding whose status is not of its
// generation, or "" if there is none.
func (c *cluster) unready(ctx context.Context) (string, error) {
	page := client.ListOptions{Namespace: namespace, Limit: 2000}
	for {
		var list v1alpha1.RoleBindingList
		if err := c.client.List(ctx, &list, &page); err != nil {
			return "", err
		}
		for i := range list.Items {
			if b := &list.Items[i]; b.Status.ObservedGeneration != b.Generation || len(b.Status.Conditions) == 0 {
				return b.Name, nil
			}
		}
		if page.Continue = list.Continue; page.Continue == "" {
			return "", nil
		}
	}
}

// served waits until the server takes objects: a first write after the
// definition takes a while.
func (c *cluster) served(ctx context.Context) error {
	return until(ctx, "the kinds are served", func() (bool, error) {
		err := c.client.Create(ctx, resource(0))
		return err == nil, ignoreNotFound(err)
	})
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// patience is how long a condition may take to hold.
const patience = 15 * time.Minute

// until waits until the condition holds.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// freeAddress returns a loopback address that nothing listens at.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
