// SPDX-License-Identifier: Apache-2.0

// Package caller lets callers in: it implements door.Gate with the methods of the
// configuration's `callers`.
//
//   - A service account's token is reviewed by the API server (TokenReview), which
//     is then asked whether Kubernetes RBAC lets its owner `create` the virtual
//     resource of the permission in the namespace (SubjectAccessReview). What it
//     said is believed for seconds, so that nearly every request costs one hash
//     and one look into a table.
//   - A client certificate, which the listener has verified, is looked up by the
//     names in it.
//   - An API key is looked up by its hash.
//
// Every method gives the same answers: 401 to whom it does not know, 403 to whom
// it knows and who may not, whether or not there is such a namespace, and 503
// where that could not be found out. An error lets nobody in.
package caller
