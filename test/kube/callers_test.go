// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// callersConfig makes reviews count for a moment only, so that the test need not
// wait for long.
const callersConfig = `
callers: {serviceAccounts: {reviewTTL: 1s, refusalTTL: 1s, outageTTL: 20s}}
`

// TestCallers asks a replica that authenticates its callers, as service accounts
// do whom Kubernetes RBAC gives the right, or not. The replica itself has the rights
// of config/rbac.
func TestCallers(t *testing.T) {
	t.Parallel()
	program := live.Build(t, root)
	c := startClusterWithCRDs(t)
	c.installOperator(t)
	l := startLink(t, c.address())
	o := startOperatorWith(t, program, c.operatorKubeconfig(t, l.address), callersConfig)
	for _, namespace := range []string{"shop", "office"} {
		c.kubectl(t, "create", "namespace", namespace)
		c.kubectlApply(t, documentResource, "apply", "-n", namespace, "-f", "-")
	}
	for _, account := range []string{"checkout", "cart"} {
		c.kubectl(t, "create", "serviceaccount", account, "-n", "shop")
	}
	bind := func() {
		c.kubectl(t, "create", "rolebinding", "checkout-asks", "-n", "shop",
			"--clusterrole=rolecall-checker", "--serviceaccount=shop:checkout")
	}
	bind()
	checkout, cart := c.token(t, "checkout", "rolecall.dev"), c.token(t, "cart", "rolecall.dev")
	live.Eventually(t, "the operator is ready", o.ready)
	o.eventuallyAnswers(t, checkout, http.StatusOK) // RBAC knows of the binding

	t.Run("each gets the answer that RBAC has for it", func(t *testing.T) {
		for name, tt := range map[string]struct {
			token, namespace string
			status           int
			says             string
		}{
			"the right":               {checkout, "shop", http.StatusOK, `"decision":false`},
			"no right":                {cart, "shop", http.StatusForbidden, "system:serviceaccount:shop:cart"},
			"another namespace":       {checkout, "office", http.StatusForbidden, `in the namespace \"office\"`},
			"no such namespace":       {checkout, "nowhere", http.StatusForbidden, `in the namespace \"nowhere\"`},
			"another audience":        {c.token(t, "checkout", "vault"), "shop", http.StatusUnauthorized, "not for the audience rolecall.dev"},
			"the API's own audience":  {strings.TrimSpace(c.kubectl(t, "create", "token", "checkout", "-n", "shop")), "shop", http.StatusUnauthorized, "not for the audience"},
			"a signature that is off": {checkout[:len(checkout)-6] + "AAAAAA", "shop", http.StatusUnauthorized, "does not accept the token"},
			"nothing":                 {"", "shop", http.StatusUnauthorized, "does not say who asks"},
		} {
			if status, text, err := o.askAs(t.Context(), tt.token, tt.namespace); err != nil || status != tt.status || !strings.Contains(text, tt.says) {
				t.Errorf("%s: answer %d %s, error %v; want %d with %s", name, status, text, err, tt.status, tt.says)
			}
		}
	})
	t.Run("a right that is taken away and given again", func(t *testing.T) {
		c.kubectl(t, "delete", "rolebinding", "checkout-asks", "-n", "shop")
		o.eventuallyAnswers(t, checkout, http.StatusForbidden)
		bind()
		o.eventuallyAnswers(t, checkout, http.StatusOK)
	})
	t.Run("without the API server, known callers go on for a while", func(t *testing.T) {
		l.cut()
		if status, text, err := o.askAs(t.Context(), checkout, "shop"); status != http.StatusOK {
			t.Errorf("a known caller: %d %s, error %v", status, text, err)
		}
		fresh := c.token(t, "checkout", "rolecall.dev")
		if status, text, err := o.askAs(t.Context(), fresh, "shop"); status != http.StatusServiceUnavailable {
			t.Errorf("a token that is not known: %d %s, error %v", status, text, err)
		}
		o.eventuallyAnswers(t, checkout, http.StatusServiceUnavailable)
		l.restore(t)
		o.eventuallyAnswers(t, checkout, http.StatusOK)
		o.eventuallyAnswers(t, fresh, http.StatusOK)
	})
	t.Run("the token of an account that is deleted", func(t *testing.T) {
		c.kubectl(t, "delete", "serviceaccount", "checkout", "-n", "shop")
		o.eventuallyAnswers(t, checkout, http.StatusUnauthorized)
	})
	if log := o.Log.String(); strings.Contains(log, checkout) || strings.Contains(log, cart) || strings.Contains(log, "forbidden") {
		t.Errorf("the log tells a token, or config/rbac lacks a right:\n%s", log)
	}
}

// token returns a token of an account in the namespace shop.
func (c *cluster) token(t *testing.T, account, audience string) string {
	t.Helper()
	return strings.TrimSpace(c.kubectl(t, "create", "token", account, "-n", "shop", "--audience", audience))
}

// askAs asks about a namespace with a token, if there is one.
func (o *operator) askAs(ctx context.Context, token, namespace string) (int, string, error) {
	body := `{"subject":{"type":"user","id":"ann"},"action":{"name":"create"},"resource":{"type":"document","id":""}}`
	url := fmt.Sprintf("http://%s/ns/%s/access/v1/evaluation", o.http, namespace)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// eventuallyAnswers waits until a token is answered with a status in the
// namespace shop.
func (o *operator) eventuallyAnswers(t *testing.T, token string, want int) {
	t.Helper()
	live.Eventually(t, fmt.Sprintf("the answer is %d", want), func(ctx context.Context) error {
		status, text, err := o.askAs(ctx, token, "shop")
		if err == nil && status != want {
			return fmt.Errorf("it is %d %s", status, text)
		}
		return err
	})
}
