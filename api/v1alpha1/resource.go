// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Resource declares a kind of thing in the application and what can be done to
// it. Permissions can only grant what a Resource declares.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcres,categories=rolecall
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.status.id`,description="The type by which permissions and checks name it"
// +kubebuilder:printcolumn:name="Actions",type=integer,JSONPath=`.status.actions`,description="How many actions are declared"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="(has(self.spec.type) ? self.spec.type : self.metadata.name) == (has(oldSelf.spec.type) ? oldSelf.spec.type : oldSelf.metadata.name)",message="the type is immutable (without spec.type it is metadata.name): delete the Resource and create it anew",fieldPath=".spec.type",reason=FieldValueForbidden
type Resource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the application's team declares.
	// +required
	Spec ResourceSpec `json:"spec"`
	// Status is what Rolecall reports.
	// +optional
	Status ResourceStatus `json:"status,omitempty"`
}

// ResourceSpec declares a resource type.
//
// +kubebuilder:validation:XValidation:rule="!has(self.propertyValidation) || has(self.schema)",message="propertyValidation needs a schema to validate against: write spec.schema, or remove propertyValidation",fieldPath=".propertyValidation"
// +kubebuilder:validation:XValidation:rule="!has(self.routes) || self.routes.all(r, has(self.actions) && self.actions.exists(a, a.name == r.action))",message="every route needs an action that spec.actions declares",fieldPath=".routes"
type ResourceSpec struct {
	// Type is the id by which permissions and checks name the resource; the
	// object's name unless given. It cannot change.
	// +optional
	Type ID `json:"type,omitempty"`

	// Description says what the resource is.
	// +optional
	Description Description `json:"description,omitempty"`

	// Actions is the closed vocabulary of what can be done to the resource. A
	// check of any other action is denied as UnknownAction.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Actions []ResourceAction `json:"actions,omitempty"`

	// Scoping says whether a check must name a scope (a tenant). With
	// `Required` a check without one is denied as ScopeRequired; `Optional` is
	// the same as leaving the field out.
	// +optional
	Scoping Scoping `json:"scoping,omitempty"`

	// Schema is the JSON Schema of `resource.properties`, in the structural form
	// that CustomResourceDefinitions have: every value has a `type`, and what is not
	// among `properties` is unknown, unless `additionalProperties` or
	// `x-kubernetes-preserve-unknown-fields` says otherwise. Conditions about the
	// resource are checked against it, which reports what does not fit and changes
	// no decision; stored properties and requests are too.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +kubebuilder:validation:MinProperties=1
	Schema *runtime.RawExtension `json:"schema,omitempty"`

	// PropertyValidation says what becomes of a request whose properties do not fit
	// the schema: `Strict` refuses it, `Warn`, which is the same as leaving the
	// field out, decides it and says in the answer what does not fit, `Ignore`
	// looks at no request.
	// +optional
	PropertyValidation PropertyValidation `json:"propertyValidation,omitempty"`

	// Instances are known instances with what is stored of them: defaults under
	// the properties that a request states, and what searches enumerate. If the
	// type is that of subjects, such as `user`, they are subjects, and what is
	// stored is under `subject.properties`; it gives no authority. `kubectl apply`
	// takes about 256 KiB of them, with `--server-side` as much as an object may
	// hold.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5000
	Instances []ResourceInstance `json:"instances,omitempty"`

	// Routes are the HTTP requests that mean an action on the resource, for the
	// doors that gateways ask. Of the routes of a namespace that match a request
	// the most specific one counts; if there is none, the request is denied.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Routes []ResourceRoute `json:"routes,omitempty"`
}

// ResourceInstance is a known instance of a resource.
//
// +kubebuilder:validation:XValidation:rule="!self.id.contains('*')",message="an instance is known by its whole id",fieldPath=".id"
type ResourceInstance struct {
	// ID is the id of the instance.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	ID string `json:"id"`

	// Properties are stored properties. Key by key, a value that an API caller
	// states counts instead of the stored one; what a gateway takes from a URL, a
	// header or a query never does.
	// +optional
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Type=object
	// +kubebuilder:validation:MaxProperties=64
	Properties *runtime.RawExtension `json:"properties,omitempty"`
}

// PropertyValidation says what becomes of a request that does not fit a schema.
//
// +kubebuilder:validation:Enum=Ignore;Warn;Strict
type PropertyValidation string

// The values of PropertyValidation.
const (
	// PropertyValidationIgnore looks at no request.
	PropertyValidationIgnore PropertyValidation = "Ignore"
	// PropertyValidationWarn decides a request that does not fit, and says so in
	// the answer.
	PropertyValidationWarn PropertyValidation = "Warn"
	// PropertyValidationStrict refuses a request that does not fit.
	PropertyValidationStrict PropertyValidation = "Strict"
)

// ResourceAction is something that can be done to a resource.
type ResourceAction struct {
	// Name is the id of the action, such as `create` or `update.info.name`.
	// +required
	Name ID `json:"name"`
	// Description says what the action does.
	// +optional
	Description Description `json:"description,omitempty"`
}

// ResourceRoute is the HTTP requests that mean one action.
type ResourceRoute struct {
	// Method is the HTTP method, such as `GET`, which also stands for `HEAD` where
	// no route of that method matches.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[A-Z]+(-[A-Z]+)*$`
	Method string `json:"method"`

	// Host is the host of the requests, such as `api.example.com`, without a port;
	// any host unless given.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Host string `json:"host,omitempty"`

	// Path is the template of the requests' path, such as `/documents/{id}`.
	// `{name}` captures one segment, and `{name...}`, at the end, whatever
	// follows. What `id` captures is the id of the resource; other captures are
	// properties of it. The rest is compared byte by byte, after percent-decoding.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/`
	// +kubebuilder:validation:XValidation:rule="self.matches(r'^(/([^\\x00-\\x20\\x7f/\\\\;%?#{}*:][^\\x00-\\x20\\x7f/\\\\;%?#{}*]*|\\{[A-Za-z_][A-Za-z0-9_]*\\}))*(/|/\\{[A-Za-z_][A-Za-z0-9_]*\\.\\.\\.\\})?$')",message="a path is made of segments such as /documents or /{id}, of which the last may be {name...} or empty; literal ones do not begin with : and hold no blanks and none of \\ ; % ? # { } *"
	// +kubebuilder:validation:XValidation:rule="!self.matches(r'/[.][.]?(/|$)')",message="no segment of a path is . or ..: requests that have such are refused"
	Path string `json:"path"`

	// Action is the declared action that the requests mean.
	// +required
	Action ID `json:"action"`
}

// Scoping says whether checks of a resource need a scope.
//
// +kubebuilder:validation:Enum=Optional;Required
type Scoping string

// The values of Scoping.
const (
	// ScopingOptional lets a check come without a scope.
	ScopingOptional Scoping = "Optional"
	// ScopingRequired denies a check that comes without a scope.
	ScopingRequired Scoping = "Required"
)

// ResourceStatus is what Rolecall reports on a Resource.
type ResourceStatus struct {
	Status `json:",inline"`

	// ID is the type in force: spec.type, or else metadata.name.
	// +optional
	ID string `json:"id,omitempty"`
	// Actions is how many actions are declared.
	// +optional
	Actions int32 `json:"actions"`
}

// TypeID returns the type in force: spec.type, or else the object's name.
func (r *Resource) TypeID() string {
	return idOr(r.Spec.Type, r.Name)
}

func idOr(id ID, name string) string {
	if id != "" {
		return string(id)
	}
	return name
}

// ResourceList is a list of Resources.
//
// +kubebuilder:object:root=true
type ResourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Resource `json:"items"`
}
