// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// typeSchemas makes schemas of Go types as encoding/json writes them. A struct is a
// definition of its own and knows all its fields: what it does not know is refused.
type typeSchemas struct {
	docs        docs
	definitions map[string]*schema
}

// known are the types that markers may name.
var known = []reflect.Type{
	reflect.TypeFor[admissionregistrationv1.ValidationAction](),
	reflect.TypeFor[appsv1.DeploymentStrategy](),
	reflect.TypeFor[autoscalingv2.HorizontalPodAutoscalerBehavior](),
	reflect.TypeFor[autoscalingv2.MetricSpec](),
	reflect.TypeFor[configv1alpha1.ServerConfiguration](),
	reflect.TypeFor[corev1.Affinity](),
	reflect.TypeFor[corev1.EnvVar](),
	reflect.TypeFor[corev1.HostAlias](),
	reflect.TypeFor[corev1.LocalObjectReference](),
	reflect.TypeFor[corev1.PodSecurityContext](),
	reflect.TypeFor[corev1.Probe](),
	reflect.TypeFor[corev1.ResourceRequirements](),
	reflect.TypeFor[corev1.SecurityContext](),
	reflect.TypeFor[corev1.Toleration](),
	reflect.TypeFor[corev1.TopologySpreadConstraint](),
	reflect.TypeFor[corev1.Volume](),
	reflect.TypeFor[corev1.VolumeMount](),
	reflect.TypeFor[intstr.IntOrString](),
	reflect.TypeFor[networkingv1.NetworkPolicyEgressRule](),
	reflect.TypeFor[networkingv1.NetworkPolicyPeer](),
	reflect.TypeFor[rbacv1.Subject](),
}

// named returns the schema of a type that a marker names.
func (t *typeSchemas) named(name string) (*schema, error) {
	if element, ok := strings.CutPrefix(name, "[]"); ok {
		items, err := t.named(element)
		return &schema{Type: "array", Items: items}, err
	}
	switch name {
	case "map[string]string":
		return t.of(reflect.TypeFor[map[string]string]())
	case "string", "number", "object":
		return &schema{Type: name}, nil
	}
	for _, k := range known {
		if qualified(k) == name {
			return t.of(k)
		}
	}
	return nil, fmt.Errorf("the type %s is not among those that hack/generate/chart knows", name)
}

// qualified is a type's import path and name.
func qualified(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

// special are the types that JSON shows otherwise than reflection does.
func special(t reflect.Type) *schema {
	switch t {
	case reflect.TypeFor[metav1.Duration]():
		return &schema{Type: "string", Pattern: `^-?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`}
	case reflect.TypeFor[metav1.Time]():
		return &schema{Type: "string"}
	case reflect.TypeFor[intstr.IntOrString]():
		return &schema{Type: []string{"integer", "string"}}
	case reflect.TypeFor[resource.Quantity]():
		return &schema{Type: []string{"number", "string"}}
	}
	return nil
}

func (t *typeSchemas) of(goType reflect.Type) (*schema, error) {
	if s := special(goType); s != nil {
		return s, nil
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return t.of(goType.Elem())
	case reflect.Struct:
		return t.define(goType)
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return &schema{Type: "string"}, nil
		}
		items, err := t.of(goType.Elem())
		return &schema{Type: "array", Items: items}, err
	case reflect.Map:
		values, err := t.of(goType.Elem())
		return &schema{Type: "object", AdditionalProperties: values}, err
	case reflect.String:
		return &schema{Type: "string", Enum: t.docs.enum(goType)}, nil
	case reflect.Bool:
		return &schema{Type: "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &schema{Type: "integer"}, nil
	case reflect.Float64:
		return &schema{Type: "number"}, nil
	default:
		return nil, fmt.Errorf("%s: a %s has no schema here", goType, goType.Kind())
	}
}

// define makes a struct a definition, once, and returns the reference to it.
func (t *typeSchemas) define(goType reflect.Type) (*schema, error) {
	// Kubernetes' groups have packages of one name: k8s.io/api/core/v1.
	name := path.Base(path.Dir(goType.PkgPath())) + "." + path.Base(goType.PkgPath()) + "." + goType.Name()
	reference := &schema{Ref: "#/definitions/" + name}
	if t.definitions[name] != nil {
		return reference, nil
	}
	s := &schema{Type: "object", Properties: map[string]*schema{}, AdditionalProperties: false}
	t.definitions[name] = s
	return reference, t.fields(s, goType)
}

// fields adds the fields of a struct, and those of the structs inlined in it.
func (t *typeSchemas) fields(s *schema, goType reflect.Type) error {
	for field := range goType.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && (name == "" || strings.Contains(options, "inline")) {
			if err := t.fields(s, field.Type); err != nil {
				return err
			}
			continue
		}
		property, err := t.of(field.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", goType, field.Name, err)
		}
		if text := t.docs.field(goType, field.Name); text != "" {
			if property.Ref != "" {
				property = &schema{AllOf: []*schema{property}}
			}
			property.Description = text
		}
		s.Properties[name] = property
	}
	return nil
}
