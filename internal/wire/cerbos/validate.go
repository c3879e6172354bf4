// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/rolecall/rolecall/internal/door"
)

// The forms that Cerbos' API prescribes.
var (
	versionForm = regexp.MustCompile(`^\w+$`)
	scopeForm   = regexp.MustCompile(`^([0-9a-zA-Z][\w-]*(\.\w[\w-]*)*|\.)$`)
)

// validate returns the first fault of a request, as a 400.
func (d *Door) validate(in *Request) error {
	if in.Principal == nil {
		return required("principal")
	}
	if err := principalFault(in.Principal); err != nil {
		return err
	}
	switch n, most := len(in.Entries), d.options.MaxResourcesPerRequest; {
	case n == 0:
		return required("resources")
	case n > most:
		return door.BadRequest(fmt.Sprintf("resources: %d resources in one request exceed the configured limit (%d); ask in several requests, or raise cerbos.maxResourcesPerRequest", n, most))
	}
	for i := range in.Entries {
		if err := d.entryFault(&in.Entries[i]); err != nil {
			return within(fmt.Sprintf("resources[%d].", i), err)
		}
	}
	return nil
}

// within says where a fault is. Finding the words for a place costs more than finding
// that there is no fault in it.
func within(path string, fault *door.Error) error {
	return door.BadRequest(path + fault.Message)
}

func principalFault(p *Principal) error {
	if p.ID == "" {
		return required("principal.id")
	}
	if err := named(p.PolicyVersion, p.Scope); err != nil {
		return within("principal.", err)
	}
	if err := set("roles", p.Roles); err != nil {
		return within("principal.", err)
	}
	return nil
}

func (d *Door) entryFault(entry *Entry) *door.Error {
	if most := d.options.MaxActionsPerResource; len(entry.Actions) > most {
		return door.BadRequest(fmt.Sprintf("actions: %d actions exceed the configured limit (%d); ask in several requests, or raise cerbos.maxActionsPerResource",
			len(entry.Actions), most))
	}
	if err := set("actions", entry.Actions); err != nil {
		return err
	}
	resource := entry.Resource
	switch {
	case resource == nil:
		return required("resource")
	case resource.Kind == "":
		return required("resource.kind")
	case resource.ID == "":
		return required("resource.id")
	}
	if err := named(resource.PolicyVersion, resource.Scope); err != nil {
		return door.BadRequest("resource." + err.Message)
	}
	return nil
}

// named checks what names a policy.
func named(version, scope string) *door.Error {
	if version != "" && !versionForm.MatchString(version) {
		return door.BadRequest(fmt.Sprintf("policyVersion: %q must hold letters, digits and _ only", version))
	}
	if scope != "" && !scopeForm.MatchString(scope) {
		return door.BadRequest(fmt.Sprintf("scope: %q must be segments of letters, digits, _ and - joined by dots, such as acme.hr", scope))
	}
	return nil
}

// set checks that a list has elements, and each of them something, once.
func set(path string, list []string) *door.Error {
	if len(list) == 0 {
		return required(path)
	}
	for i, element := range list {
		switch {
		case element == "":
			return required(fmt.Sprintf("%s[%d]", path, i))
		case slices.Contains(list[:i], element):
			return door.BadRequest(fmt.Sprintf("%s[%d]: %q is there before; name each once", path, i, element))
		}
	}
	return nil
}

func required(path string) *door.Error {
	return door.BadRequest(path + ": is required and must not be empty")
}
