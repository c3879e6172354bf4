// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/devcluster"
)

// Marks in the state folder. The sample is applied once: whoever changed or
// deleted what it brought finds it so at the next start.
const (
	markFilled  = "objects-applied"
	markSamples = "sample-applied"
)

// applyObjects applies the folder of --apply, or the sample if nothing was ever
// applied.
func (s *session) applyObjects(ctx context.Context) error {
	if s.apply != "" {
		return s.applyDir(ctx)
	}
	if s.state.Has(markFilled) {
		s.printf("  Keeping the objects of earlier runs (--fresh forgets them)\n")
		return nil
	}
	return s.applySample(ctx)
}

func (s *session) applyDir(ctx context.Context) error {
	err := s.step("Applying "+s.apply, func() error {
		_, err := devcluster.ApplyDir(ctx, s.cluster.Config(), s.apply)
		return err
	})
	if err != nil {
		return fmt.Errorf("--apply: %w", err)
	}
	return s.state.Mark(markFilled)
}

func (s *session) applySample(ctx context.Context) error {
	err := s.step("Applying the sample "+samples.StytchQuickstart, func() error {
		files, err := samples.Manifests(samples.StytchQuickstart)
		if err != nil {
			return err
		}
		manifests, err := devcluster.ReadManifests(files)
		if err != nil {
			return err
		}
		_, err = devcluster.Apply(ctx, s.cluster.Config(), manifests)
		return err
	})
	if err != nil {
		return fmt.Errorf("the sample %s: %w", samples.StytchQuickstart, err)
	}
	if err := s.state.Mark(markSamples); err != nil {
		return err
	}
	return s.state.Mark(markFilled)
}
