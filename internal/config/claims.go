// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// subjectRules finds faults in the form of rules and mappings.
func subjectRules(path *field.Path, r *configv1alpha1.SubjectRules) field.ErrorList {
	faults := ValidateClaimRules(path.Child("claimValidationRules"), r.ClaimValidationRules)
	for i, rule := range r.UserValidationRules {
		if rule.Expression == "" {
			faults = append(faults, field.Required(path.Child("userValidationRules").Index(i).Child("expression"), "say what must hold"))
		}
	}
	return append(faults, mappings(path.Child("claimMappings"), &r.ClaimMappings)...)
}

// ValidateClaimRules returns every fault in the form of rules about claims.
func ValidateClaimRules(path *field.Path, rules []configv1alpha1.ClaimValidationRule) field.ErrorList {
	var faults field.ErrorList
	for i, rule := range rules {
		at := path.Index(i)
		switch {
		case rule.Claim != "" && rule.Expression != "":
			faults = append(faults, field.Forbidden(at.Child("expression"), "set claim with requiredValue, or expression, not both"))
		case rule.Claim == "" && rule.Expression == "":
			faults = append(faults, field.Required(at.Child("expression"), "say what must hold, by it or by claim with requiredValue"))
		case rule.Claim != "" && rule.RequiredValue == "":
			faults = append(faults, field.Required(at.Child("requiredValue"), "say what claim must be"))
		case rule.Expression != "" && rule.RequiredValue != "":
			faults = append(faults, field.Forbidden(at.Child("requiredValue"), "goes with claim, not with expression"))
		}
	}
	return faults
}

func mappings(path *field.Path, m *configv1alpha1.ClaimMappings) field.ErrorList {
	faults := slices.Concat(
		prefixed(path.Child("id"), m.ID),
		prefixed(path.Child("groups"), m.Groups),
		prefixed(path.Child("scope"), m.Scope),
		ValidateClaimOrExpression(path.Child("type"), m.Type),
		ValidateClaimOrExpression(path.Child("roles"), m.Roles),
		ValidateClaimOrExpression(path.Child("email"), m.Email),
		ValidateClaimOrExpression(path.Child("emailVerified"), m.EmailVerified),
		ValidateClaimOrExpression(path.Child("ssoConnections"), m.SSOConnections),
		ValidateClaimOrExpression(path.Child("ssoGroups"), m.SSOGroups),
	)
	if (m.SSOGroups != configv1alpha1.ClaimOrExpression{}) && (m.SSOConnections == configv1alpha1.ClaimOrExpression{}) {
		faults = append(faults, field.Required(path.Child("ssoConnections"),
			"groups count only if the session has logged in with their connection; say which it has"))
	}
	return append(faults, properties(path.Child("properties"), m.Properties)...)
}

func properties(path *field.Path, all []configv1alpha1.PropertyMapping) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i, p := range all {
		at := path.Index(i)
		switch {
		case p.Name == "":
			faults = append(faults, field.Required(at.Child("name"), "say how conditions call it"))
		case seen[p.Name]:
			faults = append(faults, field.Duplicate(at.Child("name"), p.Name))
		}
		seen[p.Name] = true
		if (p.ClaimOrExpression == configv1alpha1.ClaimOrExpression{}) {
			faults = append(faults, field.Required(at.Child("claim"), "say what it holds, by claim or by expression"))
		}
		faults = append(faults, ValidateClaimOrExpression(at, p.ClaimOrExpression)...)
	}
	return faults
}

func prefixed(path *field.Path, m configv1alpha1.PrefixedClaimOrExpression) field.ErrorList {
	faults := ValidateClaimOrExpression(path, configv1alpha1.ClaimOrExpression{Claim: m.Claim, Expression: m.Expression})
	switch {
	case m.Claim != "" && m.Prefix == nil:
		faults = append(faults, field.Required(path.Child("prefix"), `say what is put before the claim; "" for nothing`))
	case m.Claim == "" && m.Prefix != nil:
		faults = append(faults, field.Forbidden(path.Child("prefix"), "goes with claim; an expression adds its own"))
	}
	return faults
}

// ValidateClaimOrExpression refuses a mapping that says two things.
func ValidateClaimOrExpression(path *field.Path, m configv1alpha1.ClaimOrExpression) field.ErrorList {
	if m.Claim == "" || m.Expression == "" {
		return nil
	}
	return field.ErrorList{field.Forbidden(path.Child("expression"), "set claim or expression, not both")}
}
