// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// defaultCerbos sets the limits that Cerbos' clients know.
func defaultCerbos(c *configv1alpha1.Cerbos) {
	fill(&c.MaxActionsPerResource, 50)
	fill(&c.MaxResourcesPerRequest, 50)
}

func cerbos(path *field.Path, c *configv1alpha1.Cerbos) field.ErrorList {
	return slices.Concat(
		within(path.Child("maxActionsPerResource"), int64(c.MaxActionsPerResource), 1, 1000),
		within(path.Child("maxResourcesPerRequest"), int64(c.MaxResourcesPerRequest), 1, 1000),
	)
}
