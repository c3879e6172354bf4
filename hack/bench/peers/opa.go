// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/export"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// opaEngine is a prepared query over a store that is optimised for reading.
type opaEngine struct {
	set   *workload.Set
	input map[string]any // from Prepare to Build
	store storage.Store
	query rego.PreparedEvalQuery
}

// Prepare implements engine.Preparer: it makes the documents as decoded JSON.
func (o *opaEngine) Prepare(s *workload.Set) { o.set, o.input = s, export.RegoData(s) }

// Build implements engine.Engine.
func (o *opaEngine) Build(s *workload.Set) error {
	o.store = inmem.NewFromObjectWithOpts(o.input, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	o.input = nil
	var err error
	o.query, err = rego.New(rego.Query("data.authz.allow"), rego.Module("authz.rego", export.Rego(s.Variant)),
		rego.Store(o.store), rego.StoreReadAST(true)).PrepareForEval(context.Background())
	return err
}

// Reader implements engine.Engine.
func (o *opaEngine) Reader(requests []workload.Request) engine.Reader {
	inputs := make([]ast.Value, len(requests))
	for i := range requests {
		input, err := ast.InterfaceToValue(export.RegoInput(&requests[i]))
		if err != nil {
			panic(err)
		}
		inputs[i] = input
	}
	return func(i int) bool {
		results, err := o.query.Eval(context.Background(), rego.EvalParsedInput(inputs[i]))
		if err != nil {
			panic(err)
		}
		return results.Allowed()
	}
}

// Change implements engine.Engine.
func (o *opaEngine) Change(user int, _, to workload.Assignment) func() {
	as := slices.Clone(o.set.Of(user))
	as[0] = to
	path, document := storage.Path{"users", workload.UserName(user)}, export.RegoUser(as)
	return func() {
		if err := storage.WriteOne(context.Background(), o.store, storage.ReplaceOp, path, document); err != nil {
			panic(err)
		}
	}
}
