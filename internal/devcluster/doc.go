// SPDX-License-Identifier: Apache-2.0

// Package devcluster runs Kubernetes' own API machinery inside this process:
// an embedded etcd and the API server for custom resources, as libraries.
//
// In goes a state folder and, later, CustomResourceDefinitions and manifests;
// out comes an API that kubectl, client-go and controllers talk to as to any
// other: discovery, validation, watches, server-side apply and OpenAPI are the
// real thing. What a cluster adds to that is not here: no core group (so
// namespaces exist by being named), no leases, events, tokens, admission or
// garbage collection.
//
// It is for development and tests. It listens on the loopback interface only,
// and whoever wants to use it needs the bearer token of the kubeconfig, which
// only the user who started it can read.
package devcluster
