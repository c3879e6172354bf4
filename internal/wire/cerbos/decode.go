// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// subjectType is what every principal is.
const subjectType = "user"

// maxDepth is how deep objects and lists may nest within an attribute, as deep as
// in a request of the native door.
const maxDepth = 64

// Decode reads the JSON of a request. What is no such JSON is a 400 that holds
// nothing of the values, one of which may be a token.
func Decode(body []byte) (*cerbospb.CheckResourcesRequest, error) {
	if len(body) == 0 {
		return nil, door.BadRequest("the body is empty; it must be a JSON object")
	}
	in := &cerbospb.CheckResourcesRequest{}
	if err := protojson.Unmarshal(body, in); err != nil {
		return nil, door.BadRequest(jsonFault(err.Error()))
	}
	return in, nil
}

var (
	faultPlace = regexp.MustCompile(`\(line (\d+):(\d+)\)`)
	faultName  = regexp.MustCompile(`(unknown field|duplicate field|duplicate map key) ("(?:[^"\\]|\\.){0,100})`)
)

// jsonFault says of an error of protojson's where it is and, if it is about a
// member, which.
func jsonFault(text string) string {
	place := "the body"
	if at := faultPlace.FindStringSubmatch(text); at != nil {
		place = "line " + at[1] + ", column " + at[2] + " of the body"
	}
	if name := faultName.FindStringSubmatch(text); name != nil {
		return place + ": " + name[1] + " " + name[2] + `"`
	}
	return place + ": is not the JSON of a CheckResources request"
}

// scope is the scope that a scope of Cerbos' means: its segments are joined by /
// here, and the root is none.
func scope(dotted string) string {
	if dotted == "." {
		return ""
	}
	return strings.ReplaceAll(dotted, ".", "/")
}

// resource reads the resource of an entry. A version of the policy other than the
// one that there is makes a type of it that no Resource can declare, so that no
// policy is found for it.
func resource(i int, in *cerbospb.Resource) (authz.Resource, error) {
	properties, err := attributes(fmt.Sprintf("resources[%d].resource.attr", i), in.GetAttr())
	if err != nil {
		return authz.Resource{}, err
	}
	r := authz.Resource{Type: in.GetKind(), ID: in.GetId(), Properties: properties}
	if v := in.GetPolicyVersion(); v != "" && v != defaultVersion {
		r.Type += " (policyVersion " + v + ")"
	}
	return r, nil
}

// defaultVersion is the version of the policy that there is.
const defaultVersion = "default"

// attributes are attr as the properties that conditions see.
func attributes(path string, attr map[string]*structpb.Value) (map[string]any, error) {
	if len(attr) == 0 {
		return nil, nil
	}
	properties := make(map[string]any, len(attr))
	for name, v := range attr {
		value, err := attribute(v, 1)
		if err != nil {
			return nil, door.BadRequest(fmt.Sprintf("%s.%s: %v", path, name, err))
		}
		properties[name] = value
	}
	return properties, nil
}

// attribute is a value as of encoding/json.
func attribute(v *structpb.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nests objects and lists deeper than %d", maxDepth)
	}
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return kind.StringValue, nil
	case *structpb.Value_BoolValue:
		return kind.BoolValue, nil
	case *structpb.Value_NumberValue:
		if math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0) {
			return nil, errors.New("must be a finite number")
		}
		return kind.NumberValue, nil
	case *structpb.Value_ListValue:
		list := make([]any, len(kind.ListValue.GetValues()))
		for i, element := range kind.ListValue.GetValues() {
			var err error
			if list[i], err = attribute(element, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *structpb.Value_StructValue:
		object := make(map[string]any, len(kind.StructValue.GetFields()))
		for name, member := range kind.StructValue.GetFields() {
			var err error
			if object[name], err = attribute(member, depth+1); err != nil {
				return nil, err
			}
		}
		return object, nil
	default: // null, or a value of no kind
		return nil, nil
	}
}

// claims verifies the token of auxData and returns its claims, for conditions;
// they give no authority. A token that proves nothing is a 400 here, as clients
// expect.
func (d *Door) claims(ctx context.Context, namespace string, aux *cerbospb.AuxData) (map[string]any, error) {
	if len(aux.GetJwts()) > 0 {
		return nil, door.BadRequest("auxData.jwts: is not served; send one token, in auxData.jwt")
	}
	if aux.GetJwt() == nil {
		return nil, nil
	}
	if aux.GetJwt().GetToken() == "" {
		return nil, required("auxData.jwt.token")
	}
	session, err := d.options.Sessions.JWT(ctx, namespace, aux.GetJwt().GetToken())
	if err != nil {
		if status, message := door.Answer(err); status == http.StatusUnauthorized {
			return nil, door.BadRequest("auxData.jwt.token: " + message)
		}
		return nil, err
	}
	if keys := aux.GetJwt().GetKeySetId(); keys != "" && keys != session.Issuer {
		return nil, door.BadRequest(fmt.Sprintf("auxData.jwt.keySetId: %q is not the issuer of the token; leave it out, or name the issuer as its claim iss does", keys))
	}
	return session.Claims, nil
}
