// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/store"
)

// Path is where the API server asks.
const Path = "/admission"

// concurrent is how many objects are judged at once. An object may be large, and
// checks need the processors more; who waits too long is not waited for.
const concurrent = 2

// Surroundings says what stands around an object; *store.Store does.
type Surroundings interface {
	Around(namespace string, kind store.Kind, id string) (*store.Around, error)
}

// Meter counts reviews by their outcome, one of Outcomes. It is safe for concurrent
// use.
type Meter interface {
	Reviewed(outcome string)
}

// What becomes of a review.
const (
	// Passed: there was nothing to say.
	Passed = "passed"
	// Warned: the object may be stored, and its author was warned.
	Warned = "warned"
	// Refused: the object does not compile.
	Refused = "refused"
	// Skipped: the object was not judged against the others, because they are not
	// known (yet), or nobody had time; it may be stored.
	Skipped = "skipped"
	// Failed: the review could not be read, or judging it failed.
	Failed = "failed"
)

// Outcomes returns all of them.
func Outcomes() []string { return []string{Passed, Warned, Refused, Skipped, Failed} }

// Options are what a webhook needs. All fields but Rights are required.
type Options struct {
	// Compiler is the data path's.
	Compiler *compile.Compiler
	// Surroundings is the store.
	Surroundings Surroundings
	// Rights knows what authors may bind; nil if nobody does.
	Rights Rights
	// RefuseInvalid says that objects which do not compile are refused, not only
	// warned of.
	RefuseInvalid bool
	Meter         Meter
}

// Handler returns what answers the API server, at Path.
func Handler(o Options) http.Handler {
	h := &handler{Options: o, slots: make(chan struct{}, concurrent)}
	review := &admission.Webhook{
		Handler: h,
		// What the library complains of is the doing of clients.
		LogConstructor: func(logr.Logger, *admission.Request) logr.Logger { return logr.Discard() },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		answered := &answered{}
		review.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), answeredKey{}, answered)))
		if !answered.yes { // the library has answered by itself: it could not read the review, or somebody panicked
			o.Meter.Reviewed(Failed)
		}
	})
	return mux
}

// answered says that the handler has come to an end.
type answered struct{ yes bool }

type answeredKey struct{}

type handler struct {
	Options
	slots chan struct{}
}

// Handle implements admission.Handler.
func (h *handler) Handle(ctx context.Context, r admission.Request) admission.Response {
	response, outcome := h.review(ctx, &r.AdmissionRequest)
	h.Meter.Reviewed(outcome)
	if a, ok := ctx.Value(answeredKey{}).(*answered); ok {
		a.yes = true
	}
	return response
}

func (h *handler) review(ctx context.Context, r *admissionv1.AdmissionRequest) (response admission.Response, outcome string) {
	response = admission.Allowed("")
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return response, Skipped
	}
	w, err := read(r)
	if err != nil {
		return response.WithWarnings("Rolecall cannot judge the object: " + err.Error()), Failed
	}
	v := h.judge(ctx, w)
	if len(v.refused) > 0 {
		return refusal(r, v.refused), Refused
	}
	switch response.Warnings = warnings(v.warned); {
	case len(response.Warnings) > 0:
		return response, Warned
	case !v.whole:
		return response, Skipped
	}
	return response, Passed
}

// refusal says what is wrong as a CRD's schema would.
func refusal(r *admissionv1.AdmissionRequest, faults diag.List) admission.Response {
	status := &metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
		Message: faults.Message(maxTotal), Details: &metav1.StatusDetails{Group: r.Kind.Group, Kind: r.Kind.Kind, Name: r.Name},
	}
	for _, f := range faults {
		// kubectl shows the causes, each after its field, and not the message.
		status.Details.Causes = append(status.Details.Causes, metav1.StatusCause{
			Type: metav1.CauseTypeFieldValueInvalid, Message: strings.TrimLeft(strings.TrimPrefix(f.String(), f.Path), ": "), Field: f.Path,
		})
	}
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: false, Result: status}}
}
