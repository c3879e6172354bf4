// SPDX-License-Identifier: Apache-2.0

// Package operator puts the rooms together: a source (the API server or a
// folder) feeds the store, the doors ask it, and, with an API server, the
// controllers write status. Both commands run it.
//
// It is wiring: it decides nothing, and nothing imports it but the commands.
package operator
