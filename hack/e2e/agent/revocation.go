// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// RevocationPlan says what to give and take away.
type RevocationPlan struct {
	// Question is denied until its subject is bound to the role.
	Question Question `json:"question"`
	Role     string   `json:"role"`
	// Replicas are asked each on its own (host:port).
	Replicas []string `json:"replicas"`
	Rounds   int      `json:"rounds"`
}

// RevocationReport says how long a deleted RoleBinding went on granting, over all
// rounds and replicas.
type RevocationReport struct {
	Samples int `json:"samples"`
	// Sent are counted from when the deletion was sent, the rest from when the API
	// server had confirmed it: 0 where no replica granted any more by then.
	SentMedian time.Duration `json:"sentMedian"`
	SentP99    time.Duration `json:"sentP99"`
	SentMax    time.Duration `json:"sentMax"`
	Median     time.Duration `json:"median"`
	P99        time.Duration `json:"p99"`
	Max        time.Duration `json:"max"`
}

func (a *Agent) revoke(r *http.Request, plan RevocationPlan) (any, error) {
	callers := make([]caller, len(plan.Replicas))
	for i, address := range plan.Replicas {
		var err error
		if callers[i], err = a.overHTTP(way{replica: address, reuse: true, roots: a.authorities.newest}); err != nil {
			return nil, err
		}
	}
	defer func() {
		for _, c := range callers {
			c.end()
		}
	}()
	var sent, confirmed []time.Duration
	for range plan.Rounds {
		if err := a.round(r.Context(), plan, callers, &sent, &confirmed); err != nil {
			return nil, err
		}
	}
	slices.Sort(sent)
	slices.Sort(confirmed)
	report := RevocationReport{Samples: len(sent)}
	report.SentMedian, report.SentP99, report.SentMax = quantiles(sent)
	report.Median, report.P99, report.Max = quantiles(confirmed)
	return report, nil
}

// round binds the subject, sees that every replica grants, deletes the binding, and
// adds to the times after which each replica denied.
func (a *Agent) round(ctx context.Context, plan RevocationPlan, callers []caller, sent, confirmed *[]time.Duration) error {
	binding := &v1alpha1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: plan.Question.Namespace, GenerateName: "revoked-"},
		Spec: v1alpha1.RoleBindingSpec{
			Roles: []v1alpha1.ID{v1alpha1.ID(plan.Role)}, Scope: "*",
			Subjects: []v1alpha1.Subject{{Type: "user", ID: plan.Question.Subject}},
		},
	}
	if err := a.o.Kube.Create(ctx, binding); err != nil {
		return err
	}
	if _, err := until(ctx, callers, plan.Question, true); err != nil {
		return err
	}
	var denied []time.Time
	watching, ctx := errgroup.WithContext(ctx)
	watching.Go(func() error {
		var err error
		denied, err = until(ctx, callers, plan.Question, false)
		return err
	})
	start := time.Now()
	if err := a.o.Kube.Delete(ctx, binding); err != nil {
		return err
	}
	end := time.Now()
	if err := watching.Wait(); err != nil {
		return err
	}
	for _, at := range denied {
		*sent = append(*sent, at.Sub(start))
		*confirmed = append(*confirmed, max(0, at.Sub(end)))
	}
	return nil
}

// until asks every caller again and again until it is answered as wanted, and
// returns when each was.
func until(ctx context.Context, callers []caller, q Question, allowed bool) ([]time.Time, error) {
	at := make([]time.Time, len(callers))
	group, ctx := errgroup.WithContext(ctx)
	for i, c := range callers {
		group.Go(func() error {
			for {
				answer, err := c.ask(ctx, &q, false)
				if err != nil {
					return err
				}
				if answer.Status != http.StatusOK {
					return fmt.Errorf("%d %s", answer.Status, answer.Body)
				}
				if answer.Allowed == allowed {
					at[i] = time.Now()
					return nil
				}
			}
		})
	}
	return at, group.Wait()
}
