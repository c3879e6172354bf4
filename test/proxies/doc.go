// SPDX-License-Identifier: Apache-2.0

// Package proxies puts the doors for gateways behind the proxies that they are for, by
// the configurations that docs/gateways.md shows: what asks over HTTP is run by
// hack/proxies/test.sh, which finds or builds the programs. Of Envoy, for which no
// program can be had, a stand-in reads the configuration with Envoy's own types and
// does what it says.
package proxies
