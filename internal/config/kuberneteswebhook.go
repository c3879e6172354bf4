// SPDX-License-Identifier: Apache-2.0

package config

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

func defaultKubernetesWebhook(w *configv1alpha1.KubernetesWebhook) {
	if w.NamespaceScopePrefix == nil {
		w.NamespaceScopePrefix = new("namespace:")
	}
	fill(&w.ServiceAccountType, "service_account")
}

// subjectType is what a RoleBinding can name as the type of a subject.
var subjectType = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.:/-]*[A-Za-z0-9_])?$`)

func kubernetesWebhook(path *field.Path, w *configv1alpha1.KubernetesWebhook) field.ErrorList {
	var faults field.ErrorList
	if w.ClusterScope != "" && !bindable(w.ClusterScope) {
		faults = append(faults, field.Invalid(path.Child("clusterScope"), w.ClusterScope,
			"must be a scope that a RoleBinding can name, such as cluster:prod"))
	}
	if prefix := *w.NamespaceScopePrefix; prefix != "" && !bindable(prefix+"x") {
		faults = append(faults, field.Invalid(path.Child("namespaceScopePrefix"), prefix,
			"must make a scope of a name that follows it, as namespace: does"))
	}
	if t := w.ServiceAccountType; authz.ReservedType(t) || !subjectType.MatchString(t) {
		faults = append(faults, field.Invalid(path.Child("serviceAccountType"), t,
			"must be a type of subjects, such as service_account, and none of the reserved ones (group, email_domain, sso_connection, sso_group)"))
	}
	return faults
}

// bindable reports whether a RoleBinding can name a scope.
func bindable(scope string) bool {
	return authz.ValidScope(scope) && !strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r == '*' || r == 0x7f })
}
