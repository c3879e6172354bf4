// SPDX-License-Identifier: Apache-2.0

package config

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

func yorAuth(path *field.Path, c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i, a := range c.YorAuth.Applications {
		at := path.Child("applications").Index(i)
		switch {
		case a.ID == "":
			faults = append(faults, field.Required(at.Child("id"), "name the application as its clients do, in the path of requests"))
		case seen[a.ID]:
			faults = append(faults, field.Duplicate(at.Child("id"), a.ID))
		}
		seen[a.ID] = true
		faults = append(faults, served(at.Child("namespace"), a.Namespace, c.Namespaces)...)
	}
	return faults
}
