// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// The forms that Cerbos' API prescribes.
var (
	versionForm = regexp.MustCompile(`^\w*$`)
	scopeForm   = regexp.MustCompile(`^([0-9a-zA-Z][\w-]*(\.\w[\w-]*)*|\.)?$`)
)

// validate returns the first fault of a request, as a 400.
func (d *Door) validate(in *cerbospb.CheckResourcesRequest) error {
	if in.GetPrincipal() == nil {
		return required("principal")
	}
	if err := principalFault(in.GetPrincipal()); err != nil {
		return err
	}
	switch n, most := len(in.GetResources()), d.options.MaxResourcesPerRequest; {
	case n == 0:
		return required("resources")
	case n > most:
		return door.BadRequest(fmt.Sprintf("resources: %d resources in one request exceed the configured limit (%d); ask in several requests, or raise cerbos.maxResourcesPerRequest", n, most))
	}
	for i, entry := range in.GetResources() {
		if err := d.entryFault(fmt.Sprintf("resources[%d].", i), entry); err != nil {
			return err
		}
	}
	return nil
}

func principalFault(p *cerbospb.Principal) error {
	if p.GetId() == "" {
		return required("principal.id")
	}
	if err := named("principal.", p.GetPolicyVersion(), p.GetScope()); err != nil {
		return err
	}
	return set("principal.roles", p.GetRoles())
}

func (d *Door) entryFault(path string, entry *cerbospb.CheckResourcesRequest_Entry) error {
	if most := d.options.MaxActionsPerResource; len(entry.GetActions()) > most {
		return door.BadRequest(fmt.Sprintf("%sactions: %d actions exceed the configured limit (%d); ask in several requests, or raise cerbos.maxActionsPerResource",
			path, len(entry.GetActions()), most))
	}
	if err := set(path+"actions", entry.GetActions()); err != nil {
		return err
	}
	resource := entry.GetResource()
	switch {
	case resource == nil:
		return required(path + "resource")
	case resource.GetKind() == "":
		return required(path + "resource.kind")
	case resource.GetId() == "":
		return required(path + "resource.id")
	}
	return named(path+"resource.", resource.GetPolicyVersion(), resource.GetScope())
}

// named checks what names a policy.
func named(path, version, scope string) error {
	if !versionForm.MatchString(version) {
		return door.BadRequest(fmt.Sprintf("%spolicyVersion: %q must hold letters, digits and _ only", path, version))
	}
	if !scopeForm.MatchString(scope) {
		return door.BadRequest(fmt.Sprintf("%sscope: %q must be segments of letters, digits, _ and - joined by dots, such as acme.hr", path, scope))
	}
	return nil
}

// set checks that a list has elements, and each of them something, once.
func set(path string, list []string) error {
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

func required(path string) error {
	return door.BadRequest(path + ": is required and must not be empty")
}
