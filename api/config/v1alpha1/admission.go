// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Admission is the validating webhook: the API server asks about an object before
// it stores it, and whoever writes the object is warned of what only the other
// objects show. It means nothing when the objects come from a folder.
type Admission struct {
	// What the webhook listens on. API servers speak TLS only, so it needs tls.
	//
	// Default: bindAddress `127.0.0.1:9443`.
	//
	// +optional
	Listener `json:",inline"`

	// webhookConfigurationName is the name of the ValidatingWebhookConfiguration by
	// which the API server knows the webhook. It is given the authority of a
	// certificate that is generated here; one from files is left to whoever made it.
	//
	// Default: `rolecall`.
	//
	// +optional
	WebhookConfigurationName string `json:"webhookConfigurationName,omitempty"`

	// refuse says which objects are refused; of all other faults the webhook warns.
	// `InvalidObjects` are those that could never be Accepted, because a condition
	// or a schema does not compile; `Nothing` leaves them to their status.
	//
	// Default: `InvalidObjects`.
	//
	// +optional
	Refuse AdmissionRefusal `json:"refuse,omitempty"`
}

// AdmissionRefusal says which objects the webhook refuses.
//
// +kubebuilder:validation:Enum=InvalidObjects;Nothing
type AdmissionRefusal string

// The values of AdmissionRefusal.
const (
	// RefuseInvalidObjects refuses what does not compile.
	RefuseInvalidObjects AdmissionRefusal = "InvalidObjects"
	// RefuseNothing only warns.
	RefuseNothing AdmissionRefusal = "Nothing"
)
