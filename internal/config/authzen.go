// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

func defaultSearch(s *configv1alpha1.Search) {
	fill(&s.Results, 1000)
	fill(&s.Candidates, 100_000)
	fill(&s.Concurrent, max(1, runtime.GOMAXPROCS(0)/2))
	fill(&s.Timeout, metav1.Duration{Duration: 5 * time.Second})
}

func authZEN(at *field.Path, a *configv1alpha1.AuthZEN) field.ErrorList {
	search := at.Child("search")
	faults := slices.Concat(
		within(search.Child("results"), int64(a.Search.Results), 1, 10_000),
		within(search.Child("candidates"), int64(a.Search.Candidates), 1, 1_000_000),
		within(search.Child("concurrent"), int64(a.Search.Concurrent), 1, 1000),
		duration(search.Child("timeout"), a.Search.Timeout),
	)
	if a.URL != "" && !isDecisionPoint(a.URL) {
		faults = append(faults, field.Invalid(at.Child("url"), a.URL,
			"must be an https URL without a slash at its end, user, query and fragment, such as https://authz.example.com"))
	}
	return faults
}

// isDecisionPoint reports whether a text can be the URL of a policy decision point
// (AuthZEN 1.0, section 9.1): it is spelled as it is, so that clients can compare
// it byte by byte.
func isDecisionPoint(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return false
	}
	clean := u.Path == "" || (u.Path == path.Clean(u.Path) && u.Path != "/")
	return clean && u.EscapedPath() == u.Path && "https://"+u.Host+u.Path == text
}
