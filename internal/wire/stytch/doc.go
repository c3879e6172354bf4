// SPDX-License-Identifier: Apache-2.0

// Package stytch speaks the part of Stytch's B2B API that authorizes, so that the
// vendor's SDKs work against Rolecall unchanged: a session is authenticated and a
// check authorized in one call, and the SDKs fetch the policy and the keys by which
// they decide locally.
//
// A project is a namespace, by configuration, and an organization a scope of it.
// Rolecall issues no tokens: it verifies those of the namespace's trusted issuers
// and hands back what it was given. What is served, what differs and what is not
// there stands in docs/stytch.md.
package stytch
