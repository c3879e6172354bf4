// SPDX-License-Identifier: Apache-2.0

package main

import "context"

// banner prints commands to begin with. It asks its questions itself first, so
// that what it says about them is so.
func (s *session) banner(ctx context.Context) error {
	questions, err := s.questions(ctx)
	if err != nil {
		return err
	}
	s.printf(`
Rolecall is running.

  kubeconfig  %s
  checks      http://%s
  log         %s

What there is, and whether it is in order:

  kubectl --kubeconfig %s get rolecall
`, s.cluster.Kubeconfig(), s.operator.addresses.HTTP, s.log.Name(), quote(s.cluster.Kubeconfig()))
	for _, q := range questions {
		if err := s.show(ctx, q); err != nil {
			return err
		}
	}
	s.printf("\nCtrl-C ends it. The objects are kept for the next start.\n")
	return nil
}

func (s *session) show(ctx context.Context, q question) error {
	answer, err := q.ask(ctx, s.operator.addresses.HTTP)
	if err != nil {
		return err
	}
	line, err := q.curl(s.operator.addresses.HTTP)
	if err != nil {
		return err
	}
	s.printf("\n%s %s.\n\n  %s\n", q, answer, line)
	return nil
}

func (s *session) questions(ctx context.Context) ([]question, error) {
	if s.state.Has(markSamples) {
		return sampleQuestions(), nil
	}
	return anyQuestion(ctx, s.cluster.Config())
}
