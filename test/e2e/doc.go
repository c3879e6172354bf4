// SPDX-License-Identifier: Apache-2.0

// Package e2e proves the product in a cluster with a real node: the image is run by
// a kubelet, installed by Helm, asked by pods through the Service, changed by
// kubectl, and broken on purpose. `make e2e` runs it; CONTRIBUTING.md says how it
// is given a cluster.
//
// There is one release, and the tests of it are steps in one order: what a step
// leaves is what the next one finds.
package e2e
