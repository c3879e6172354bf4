// SPDX-License-Identifier: Apache-2.0

package crdcases

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rulesSkipped is what an API server adds when the schema refuses an object
// whose CEL rules it then could not evaluate.
const rulesSkipped = "some validation rules were not checked because the object was invalid"

// Verdict returns what is wrong with the answer err to the case, or nil if it
// is the wanted one. It is Mentions, and an API server must say nothing else, so
// that a bad object is refused for its one fault.
func (c Case) Verdict(err error) error {
	if wrong := c.Mentions(err); wrong != nil {
		return wrong
	}
	return c.nothingElse(err)
}

// Mentions returns what is wrong with the answer err to the case, or nil if the
// object was accepted and should be, or if err says every refusal of the case.
// It takes the error of any validator: only the texts count.
func (c Case) Mentions(err error) error {
	switch {
	case err == nil && len(c.Refused) > 0:
		return fmt.Errorf("was accepted, want it refused: %v", c.Refused)
	case err != nil && len(c.Refused) == 0:
		return fmt.Errorf("want it accepted: %w", err)
	}
	for _, r := range c.Refused {
		if text := err.Error(); !strings.Contains(text, r.Field) || !strings.Contains(text, r.Message) {
			return fmt.Errorf("want the refusal %q: %w", r, err)
		}
	}
	return nil
}

func (c Case) nothingElse(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	for _, cause := range status.Status().Details.Causes {
		if !c.expects(cause) {
			return fmt.Errorf("was also refused for %s: %s", cause.Field, cause.Message)
		}
	}
	return nil
}

func (c Case) expects(cause metav1.StatusCause) bool {
	for _, r := range c.Refused {
		if cause.Field == r.Field && strings.Contains(cause.Message, r.Message) {
			return true
		}
	}
	return strings.Contains(cause.Message, rulesSkipped)
}
