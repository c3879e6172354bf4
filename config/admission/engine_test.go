// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	apiadmission "k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/admission"
)

// oldest is the first version of Kubernetes that the policies are for: they use
// nothing that it has not.
var oldest = version.MajorMinor(1, 30)

// engine evaluates one policy as the API server does, by its libraries.
type engine struct {
	plural    string
	policy    *admissionv1.ValidatingAdmissionPolicy
	binding   *admissionv1.ValidatingAdmissionPolicyBinding
	validator validating.Validator
}

// write is one write of an object: without a before it is created, without an after
// deleted.
type write struct {
	before, after *unstructured.Unstructured
	// ending says that the namespace is being deleted.
	ending bool
}

// may says what the writer may: a verb on a resource of rolecall.dev by name.
type may func(verb, resource, name string) bool

func nothing(string, string, string) bool { return false }

// only returns who may these things, each as "bind roles/editor".
func only(rights ...string) may {
	return func(verb, resource, name string) bool { return slices.Contains(rights, verb+" "+resource+"/"+name) }
}

const namespace = "shop"

func newEngine(tb testing.TB, plural string) *engine {
	tb.Helper()
	text, err := admission.Policies.ReadFile("policies/" + plural + ".yaml")
	if err != nil {
		tb.Fatal(err)
	}
	e := &engine{plural: plural, policy: &admissionv1.ValidatingAdmissionPolicy{}, binding: &admissionv1.ValidatingAdmissionPolicyBinding{}}
	decoder := utilyaml.NewYAMLToJSONDecoder(bytes.NewReader(text))
	for _, into := range []any{e.policy, e.binding} {
		if err := decoder.Decode(into); err != nil {
			tb.Fatal(err)
		}
	}
	if err := decoder.Decode(&struct{}{}); err != io.EOF { //nolint:errorlint // the decoder's own
		tb.Fatalf("%s.yaml holds more than a policy and its binding: %v", plural, err)
	}
	e.validator = compile(tb, e.policy)
	return e
}

// compile does what the plugin does, in the environment of the oldest version.
func compile(tb testing.TB, p *admissionv1.ValidatingAdmissionPolicy) validating.Validator {
	tb.Helper()
	compiler, err := cel.NewCompositedCompiler(environment.MustBaseEnvSet(oldest))
	if err != nil {
		tb.Fatal(err)
	}
	full := cel.OptionalVariableDeclarations{HasAuthorizer: true}
	for _, v := range p.Spec.Variables {
		variable := &validating.Variable{Name: v.Name, Expression: v.Expression}
		if result := compiler.CompileAndStoreVariable(variable, full, environment.NewExpressions); result.Error != nil {
			tb.Fatalf("%s: variable %s: %v", p.Name, v.Name, result.Error)
		}
	}
	var conditions, validations, messages []cel.ExpressionAccessor
	for _, c := range p.Spec.MatchConditions {
		conditions = append(conditions, (*matchconditions.MatchCondition)(&c))
	}
	for _, v := range p.Spec.Validations {
		validations = append(validations, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		messages = append(messages, &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression})
	}
	all := func(of []cel.ExpressionAccessor, options cel.OptionalVariableDeclarations) cel.ConditionEvaluator {
		evaluator := compiler.CompileCondition(of, options, environment.NewExpressions)
		for _, err := range evaluator.CompilationErrors() {
			tb.Fatalf("%s: %v", p.Name, err)
		}
		return evaluator
	}
	matcher := matchconditions.NewMatcher(all(conditions, full), p.Spec.FailurePolicy, "policy", "validate", p.Name)
	return validating.NewValidator(all(validations, full), matcher, all(nil, full),
		all(messages, cel.OptionalVariableDeclarations{}), p.Spec.FailurePolicy, nil)
}

// refusals returns what is said against a write, in the order of the validations;
// the API server shows the first.
func (e *engine) refusals(tb testing.TB, w write, rights may) []string {
	tb.Helper()
	gvk, gvr := v1alpha1.GroupVersion.WithKind("Any"), v1alpha1.GroupVersion.WithResource(e.plural)
	operation, name := apiadmission.Update, ""
	var before, after runtime.Object
	if w.before == nil {
		operation = apiadmission.Create
	} else {
		before, name = w.before, w.before.GetName()
	}
	if w.after == nil {
		operation = apiadmission.Delete
	} else {
		after, name = w.after, w.after.GetName()
	}
	attributes := apiadmission.NewAttributesRecord(after, before, gvk, namespace, name, gvr, "", operation, nil, false, &user.DefaultInfo{Name: "jane"})
	versioned := &apiadmission.VersionedAttributes{Attributes: attributes, VersionedKind: gvk}
	versioned.VersionedOldObject.Set(before)
	versioned.VersionedObject.Set(after)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if w.ending {
		ns.DeletionTimestamp = new(metav1.Now())
	}
	result := e.validator.Validate(tb.Context(), gvr, versioned, nil, ns, celconfig.RuntimeCELCostBudget, rightsOf(rights))
	var refused []string
	for _, d := range result.Decisions {
		if d.Action != validating.ActionDeny {
			continue
		}
		if d.Evaluation != validating.EvalDeny || d.Reason != metav1.StatusReasonForbidden {
			tb.Fatalf("%s: not decided but failed: %s", e.plural, d.Message)
		}
		refused = append(refused, d.Message)
	}
	return refused
}

// rightsOf is an authorizer that knows rolecall.dev and one namespace only.
type rightsOf may

// Authorize implements authorizer.UnconditionalAuthorizer.
func (r rightsOf) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetAPIGroup() == v1alpha1.GroupName && a.GetNamespace() == namespace && r(a.GetVerb(), a.GetResource(), a.GetName()) {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// object reads an object of the namespace; nothing is none.
func object(tb testing.TB, text string) *unstructured.Unstructured {
	tb.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	o := &unstructured.Unstructured{}
	if err := utilyaml.NewYAMLToJSONDecoder(strings.NewReader(text)).Decode(&o.Object); err != nil {
		tb.Fatalf("%v in:\n%s", err, text)
	}
	return o
}
