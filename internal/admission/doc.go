// SPDX-License-Identifier: Apache-2.0

// Package admission is the validating webhook: it judges an object of rolecall.dev
// before the API server stores it, by the functions that also make its status, and
// warns whoever writes it. It refuses only what does not compile by itself.
//
// It reads what the store has in force and keeps nothing. It is never the only guard:
// whenever it cannot judge, the write goes through, and the status says the rest.
package admission
