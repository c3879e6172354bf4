// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

func frontEnds(path *field.Path, f *configv1alpha1.FrontEnds) field.ErrorList {
	if f == nil {
		return nil
	}
	var faults field.ErrorList
	for i, origin := range f.AllowedOrigins {
		at := path.Child("allowedOrigins").Index(i)
		switch {
		case slices.Contains(f.AllowedOrigins[:i], origin):
			faults = append(faults, field.Duplicate(at, origin))
		case !isOrigin(origin):
			faults = append(faults, field.Invalid(at, origin, "must be an origin as browsers spell it, such as https://app.example.com or http://localhost:3000"))
		}
	}
	return faults
}

// isOrigin reports whether a browser could send this in the header Origin: it
// spells hosts in lower case, and leaves out the port that a scheme has anyway.
func isOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	usual := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return u.Scheme+"://"+strings.ToLower(u.Host) == origin && u.Port() != usual &&
		!strings.HasSuffix(u.Host, ":") && !strings.Contains(u.Host, "*")
}
