// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// PathGate lets in those to whom Kubernetes RBAC gives `get` on a path that is no
// resource (a nonResourceURL), such as /metrics. They prove who they are by a token
// for the API server itself, as Prometheus has one. It is safe for concurrent use.
type PathGate struct{ accounts *accounts }

// NewPathGate returns a gate that asks the API server. Reviews count as long as
// those of service accounts do by default. Of the options Config is not needed.
func NewPathGate(o Options) (*PathGate, error) {
	a, err := newAccounts(&configv1alpha1.ServiceAccountCallers{
		ReviewTTL:  metav1.Duration{Duration: 10 * time.Second},
		RefusalTTL: metav1.Duration{Duration: 2 * time.Second},
		OutageTTL:  metav1.Duration{Duration: 15 * time.Minute},
	}, o)
	if err != nil {
		return nil, err
	}
	return &PathGate{a}, nil
}

var errNoToken = unauthenticated(challenge, "the request does not say who asks; send a token of the API server (Authorization: Bearer TOKEN)")

// Admit returns nil for who may read the path of the request, else a refusal
// (door.Error).
func (g *PathGate) Admit(r *http.Request) error {
	header := r.Header.Get("Authorization")
	if header == "" {
		return errNoToken
	}
	token, id, err := parseAuthorization(header)
	switch {
	case err != nil:
		return err
	case id != "":
		return errBasic
	}
	q := g.accounts.pathQuestion(token, r.URL.Path)
	if known := g.accounts.recall(q); known != nil {
		_, err := answer(known.caller, known.refusal)
		return err
	}
	_, err = g.accounts.admit(r.Context(), q)
	return err
}

// pathQuestion is what is to be found out of the reader of a path.
func (a *accounts) pathQuestion(token, path string) question {
	return question{token: token, path: path, key: a.hasher.sum(token, path)}
}

// mayNotRead refuses who is known and may not read a path.
func mayNotRead(name, path string) *door.Error {
	return &door.Error{
		Status: http.StatusForbidden,
		Message: fmt.Sprintf("%q may not get the nonResourceURL %s; bind it a role with this right, such as the ClusterRole rolecall-metrics-reader",
			name, path),
	}
}
