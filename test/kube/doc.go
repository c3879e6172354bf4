// SPDX-License-Identifier: Apache-2.0

// Package kube holds the tests of what only a real kube-apiserver can show:
// that it takes the CRDs, that their rules hold there, and that the operator
// lives in a cluster with the permissions that it is given. They are built with
// the tag kube and run by `make test-kube`, which builds the servers first.
package kube
