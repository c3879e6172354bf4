// SPDX-License-Identifier: Apache-2.0

// Package proto3 reads and writes the wire format of protocol buffers, for the
// dialects whose messages every check goes through.
//
// A Reader goes over a message once. The dialect pulls out the fields that it knows
// and skips the rest, so that nothing is built which nobody reads, and no map, box or
// pointer is made only to be read again. The generated types of the same messages
// stay what the doors are tested against: a fuzzer holds each of them to this.
//
// It knows no protocol and no policy.
//
// Source: https://protobuf.dev/programming-guides/encoding/.
package proto3
