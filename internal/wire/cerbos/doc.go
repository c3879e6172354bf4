// SPDX-License-Identifier: Apache-2.0

// Package cerbos is a door that speaks the API of a Cerbos PDP: CheckResources and
// ServerInfo, over HTTP (as their JSON gateway does) and over gRPC.
//
// A principal is a subject of the type `user` with its roles asserted, a resource
// of a kind is a resource of that type, and what one of them has as attr are its
// properties. Nothing of Cerbos' own policies, and none of its rules, is here: the
// decision is that of every other door. docs/cerbos.md has what that means for
// clients.
package cerbos
