// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/hack/e2e/agent"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// shortLives are values by which the certificate ends soon, and its authority as soon
// as can be: three times as long as the certificate and the overlap together. What is
// there already counts as that much older, so that both are followed by others.
var shortLives = []string{
	"--set=config.certificates.validity=90s",
	"--set=config.certificates.authorityOverlap=15s",
	"--set=config.certificates.authorityValidity=315s",
}

// certificatesRenewed: the certificate's successors are shown by every replica, the
// last one signed by the authority's successor, and no client notices that reads the
// ConfigMap again in time.
func certificatesRenewed(t *testing.T, c *cluster, r *report) {
	all, err := c.shown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := all[0]
	result := c.underLoad(t, r, "the certificate and its authority are renewed", soon, func() {
		c.upgrade(t, shortLives...)
		c.everyReplicaShows(t, "another certificate", func(now agent.Answer) bool { return now.Certificate != before.Certificate })
		live.Eventually(t, "two authorities are published", func(ctx context.Context) error {
			published, err := c.kube.CoreV1().ConfigMaps(system).Get(ctx, authorities, metav1.GetOptions{})
			if err == nil && strings.Count(published.Data["ca.crt"], "BEGIN CERTIFICATE") < 2 {
				err = errors.New("there is one")
			}
			return err
		})
		c.everyReplicaShows(t, "one of another authority", func(now agent.Answer) bool { return now.Authority != before.Authority })
	})
	// The successor's authority is not used before it was published for the overlap.
	if len(result.Certificates) < 3 || len(result.Authorities) < 2 {
		t.Errorf("the clients saw only the certificates %v of %v", result.Certificates, result.Authorities)
	}
	var answer agent.Answer
	err = c.tell(t.Context(), "ask", map[string]string{"authorities": "first"}, publish, &answer)
	if err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("a client that knows the first authority alone is told %+v, %v", answer, err)
	}
}

// shown returns an answer of each replica, for the certificate that comes with it.
func (c *cluster) shown(ctx context.Context) ([]agent.Answer, error) {
	pods, err := c.pods(ctx)
	if err == nil && len(pods) == 0 {
		err = errors.New("there are no pods")
	}
	if err != nil {
		return nil, err
	}
	all := make([]agent.Answer, len(pods))
	for i, pod := range pods {
		if err := c.tell(ctx, "ask", map[string]string{"replica": pod.Status.PodIP + ":8080"}, publish, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *cluster) everyReplicaShows(t *testing.T, what string, good func(agent.Answer) bool) {
	t.Helper()
	live.Eventually(t, "every replica shows "+what, func(ctx context.Context) error {
		all, err := c.shown(ctx)
		for _, now := range all {
			if !good(now) {
				return fmt.Errorf("one shows %s, signed by %s", now.Certificate, now.Authority)
			}
		}
		return err
	})
}
