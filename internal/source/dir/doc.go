// SPDX-License-Identifier: Apache-2.0

// Package dir serves the objects of a folder of manifests instead of those of an
// API server, and reads manifests for `rolecall lint`.
//
// A manifest gets the validation that an API server would give it when kubectl
// creates it with strict field validation: YAML read as kubectl reads it, the
// structural schema and the CEL rules of the CRDs through Kubernetes' own
// libraries, the rules of object metadata. Unknown, repeated and null fields are
// refused.
//
// A load is all or nothing. The first one must succeed; a later one that does
// not leaves what is in force as it is, and says so. What makes a load bad is
// what an API server refuses, what does not compile, and two objects that claim
// one name or id. A reference that dangles does not: it may be meant to.
//
// The files are those that end with .yaml, .yml or .json, in the folder and in
// its subfolders, through symbolic links, as the mount of a ConfigMap has them.
// Names that begin with a dot are left out, and so are kustomization files.
// Documents of other API groups are skipped. A file should be replaced by a
// rename; one that is written in place may be read half, and an empty one is
// refused for that reason. Changes are seen as the operating system reports
// them, which it does not do for those that others make on a network's file
// system.
package dir
