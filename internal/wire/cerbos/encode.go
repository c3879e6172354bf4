// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"cmp"
	"slices"

	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// AppendResponse appends the JSON of a response to b, as protocol buffers map the
// message to JSON: what is empty is left out, and the actions are sorted.
func AppendResponse(b []byte, r *Response) []byte {
	b = append(b, '{')
	b = appendField(b, "requestId", r.RequestID)
	if len(r.Results) > 0 {
		b = appendName(b, "results")
		b = append(b, '[')
		for i := range r.Results {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendResult(b, &r.Results[i])
		}
		b = append(b, ']')
	}
	b = appendField(b, "cerbosCallId", r.CallID)
	return append(b, '}')
}

func appendResult(b []byte, r *Result) []byte {
	slices.SortFunc(r.Effects, func(a, b Effect) int { return cmp.Compare(a.Action, b.Action) })
	b = append(b, `{"resource":{`...)
	b = appendField(b, "id", r.Resource.ID)
	b = appendField(b, "kind", r.Resource.Kind)
	b = appendField(b, "policyVersion", r.Resource.PolicyVersion)
	b = appendField(b, "scope", r.Resource.Scope)
	b = append(b, `},"actions":{`...)
	for i := range r.Effects {
		b = appendName(b, r.Effects[i].Action)
		if r.Effects[i].Allowed {
			b = append(b, `"EFFECT_ALLOW"`...)
		} else {
			b = append(b, `"EFFECT_DENY"`...)
		}
	}
	b = append(b, '}')
	if r.Meta {
		b = append(b, `,"meta":{"actions":{`...)
		for i := range r.Effects {
			b = appendName(b, r.Effects[i].Action)
			b = append(b, '{')
			b = appendField(b, "matchedPolicy", r.Effects[i].Policy)
			b = append(b, '}')
		}
		b = append(b, "}}"...)
	}
	return append(b, '}')
}

// appendField appends a member of the object that b ends in, unless it is empty.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return ijson.AppendText(appendName(b, name), value)
}

// appendName appends the name of a member to the object that b ends in.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(ijson.AppendText(b, name), ':')
}
