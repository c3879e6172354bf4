// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"net/http"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/admission"
)

// admission returns the validating webhook, or nil if there is none: no API server
// asks where the objects come from a folder.
func (r *rooms) admission() (http.Handler, error) {
	c := r.Config.Admission
	if c == nil || r.Kube == nil {
		return nil, nil //nolint:nilnil // no webhook is a good answer
	}
	rights, err := admission.NewRights(r.Kube)
	if err != nil {
		return nil, err
	}
	meter, err := r.metrics.Admission(admission.Outcomes())
	if err != nil {
		return nil, err
	}
	return admission.Handler(admission.Options{
		Compiler: r.compiler, Surroundings: r.store, Rights: rights, Meter: meter,
		RefuseInvalid: c.Refuse == configv1alpha1.RefuseInvalidObjects,
	}), nil
}
