// SPDX-License-Identifier: Apache-2.0

// Package cerbospb is the messages and the gRPC service of Cerbos' API, generated
// from cerbos.proto.
package cerbospb
