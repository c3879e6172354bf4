// SPDX-License-Identifier: Apache-2.0

// Package authzen is the door that speaks the OpenID AuthZEN Authorization API
// 1.0: Access Evaluation and Access Evaluations, the searches and the metadata.
//
// In go bytes, out come authz.Requests (Decoder.Evaluation, Decoder.Evaluations,
// Decoder.Search), and decisions and ids go back as the standard's JSON. JSON is
// I-JSON (RFC 7493): UTF-8, unique member names; unknown members are ignored and
// null stands for an absent one. Two things are Rolecall's own: context.scope carries the scope, and
// some of subject.properties give authority (see the names of the fields of
// authz.Subject).
//
// It knows no policy, no listener and no clock.
package authzen
