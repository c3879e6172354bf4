// SPDX-License-Identifier: Apache-2.0

package sar

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationv1beta1 "k8s.io/api/authorization/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rolecall/rolecall/internal/door"
)

// The media types of reviews. API servers send JSON; Kubernetes' client for Go sends
// protocol buffers unless it is told otherwise, and takes JSON back.
const (
	mediaType         = "application/json"
	mediaTypeProtobuf = runtime.ContentTypeProtobuf
)

// mediaTypeOf returns the one of them that a request has.
func mediaTypeOf(h http.Header) (string, error) {
	values := h["Content-Type"]
	if len(values) == 1 && values[0] == mediaType {
		return mediaType, nil // nearly all, without parsing
	}
	given := strings.Join(values, ", ")
	if parsed, _, err := mime.ParseMediaType(given); err == nil && (parsed == mediaType || parsed == mediaTypeProtobuf) {
		return parsed, nil
	}
	return "", door.BadRequest(fmt.Sprintf("the Content-Type is %.64q and must be %s or %s", given, mediaType, mediaTypeProtobuf))
}

// magic begins every object that Kubernetes encodes as a protocol buffer; an
// envelope follows, which says of which kind and version the object is.
const magic = "k8s\x00"

// FromProtobuf returns the JSON of a review that is encoded as Kubernetes' API
// machinery encodes it (application/vnd.kubernetes.protobuf), for a Decoder to read:
// it is only then that it is known to be good. What cannot be decoded is a
// *door.Error with the status 400.
//
// Source: k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
func FromProtobuf(body []byte) ([]byte, error) {
	text, ok := strings.CutPrefix(string(body), magic)
	if !ok {
		return nil, door.BadRequest("the body does not begin as an object of Kubernetes' does that is a protocol buffer")
	}
	var envelope runtime.Unknown
	if envelope.Unmarshal([]byte(text)) != nil || envelope.ContentEncoding != "" {
		return nil, errProtobuf
	}
	review := struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       any    `json:"spec"`
	}{Kind: envelope.Kind, APIVersion: envelope.APIVersion}
	var err error
	switch envelope.APIVersion {
	case V1:
		var v1 authorizationv1.SubjectAccessReview
		err = v1.Unmarshal(envelope.Raw)
		review.Spec = v1.Spec
	case V1Beta1:
		var beta authorizationv1beta1.SubjectAccessReview
		err = beta.Unmarshal(envelope.Raw)
		review.Spec = beta.Spec
	}
	if err != nil {
		return nil, errProtobuf
	}
	out, err := json.Marshal(&review)
	if err != nil { // a text that is no UTF-8
		return nil, errProtobuf
	}
	return out, nil
}

var errProtobuf = door.BadRequest("the body is no review of Kubernetes' as a protocol buffer, with texts in UTF-8")
