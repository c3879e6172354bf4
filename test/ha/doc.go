// SPDX-License-Identifier: Apache-2.0

// Package ha holds the tests of what happens when something fails: replicas of the
// real program, against a real kube-apiserver and etcd, under the load of real
// clients, while processes are stopped and killed and what is between them and the
// API server is spoilt. They are built with the tag kube and run by `make test-ha`,
// which builds the servers first.
//
// Every answer names a revision. What was written is kept, so that each answer can
// be held against the objects that its revision stands for.
package ha
