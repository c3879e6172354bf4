// SPDX-License-Identifier: Apache-2.0

// Package chart tests the Helm chart and the kustomize bases beside it, by the
// programs that users install them with: what is rendered for several sets of values,
// that it is what the API server takes, that the server takes its configuration, and
// that what does not fit is refused in words that help.
//
//	make test-chart
package chart
