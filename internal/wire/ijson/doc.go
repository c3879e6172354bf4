// SPDX-License-Identifier: Apache-2.0

// Package ijson reads and writes I-JSON (RFC 7493), for the dialects that are
// made of it.
//
// A Scanner goes over a text once. The dialect pulls out what it knows by name
// and skips the rest, so that nothing is built which nobody reads; what it skips
// is checked all the same. Taken is strict JSON (RFC 8259) in UTF-8 without a
// byte order mark, with unique member names, surrogates in pairs, and objects and
// arrays at most MaxDepth deep. Names are compared as they are after unescaping,
// and exactly.
//
// Free values are those of encoding/json: nil, bool, float64, string, []any and
// map[string]any, with the meaning that they have there.
//
// It knows no protocol and no policy.
package ijson
