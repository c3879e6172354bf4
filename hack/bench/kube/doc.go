// SPDX-License-Identifier: Apache-2.0

// Command kube measures the operator against a real API server, beside what
// Kubernetes' client library alone needs: a bare controller-runtime cache of the
// same RoleBindings.
//
// It starts an etcd and a kube-apiserver of its own, fills them, and runs the
// cache and `rolecall serve` as processes one after the other. What it measures:
//
//	memory   the heap that is live after a collection and the resident memory
//	start    from the start of the process until it is ready
//	latency  from the return of a write until the door answers otherwise, and
//	         until the watch event of the same write
//	changes  how many changes of objects a second the API server takes, without
//	         Rolecall and with it, and what part of all CPU goes where
//	status   writes of status that the API server has counted, and their time
//
// It runs in the root of the repository; the records are those of
// hack/bench/README.md. A wrong answer or a missing status ends it.
package main
