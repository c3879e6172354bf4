// SPDX-License-Identifier: Apache-2.0

// Command mutants switches off one rule after the other, of the decision and of
// the index that it reads, and demands that the tests notice. A mutant is a
// change of a few lines (mutants.txt), which the compiler is told of through an
// overlay: the tree stays as it is. Run it in the module: go run ./hack/mutants.
//
// It exits with 1 if a mutant survives, that is if no test fails, if one does
// not compile, or if its lines are no longer where they were: then whoever moved
// the rule moves the mutant too.
package main
