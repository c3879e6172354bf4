// SPDX-License-Identifier: Apache-2.0

// Package faultproxy stands between a client and an API server, and spoils what
// passes: connections that are cut or freeze, requests that are refused, slow or
// never answered, answers that are old, cut short or nonsense.
//
// It ends TLS and begins it anew, so that it sees requests and answers as they
// are, over HTTP/2 as the client likes it. Tests only.
package faultproxy
