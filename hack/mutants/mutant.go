// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed mutants.txt
var list string

// mutant is one change: where before stands in file, after stands instead.
type mutant struct {
	rule, file    string
	before, after string
}

// parse reads a list of mutants.
func parse(text string) ([]mutant, error) {
	var mutants []mutant
	for block := range strings.SplitSeq(text, "\n\n") {
		m, err := parseOne(block)
		if err != nil {
			return nil, err
		}
		if m.rule != "" {
			mutants = append(mutants, m)
		}
	}
	return mutants, nil
}

func parseOne(block string) (mutant, error) {
	var m mutant
	for line := range strings.Lines(block) {
		switch kind, text := line[:1], strings.TrimSuffix(line, "\n"); kind {
		case "#", "\n":
		case "-":
			m.before += text[1:] + "\n"
		case "+":
			m.after += text[1:] + "\n"
		default:
			key, value, _ := strings.Cut(text, " ")
			if err := m.set(key, value); err != nil {
				return m, err
			}
		}
	}
	if (m.rule == "") != (m.file == "" && m.before == "") || m.before == m.after && m.rule != "" {
		return m, fmt.Errorf("mutant %q needs a rule, a file, and lines that change", m.rule)
	}
	return m, nil
}

func (m *mutant) set(key, value string) error {
	switch key {
	case "rule":
		m.rule = value
	case "file":
		m.file = value
	default:
		return fmt.Errorf("a line begins with %q, want rule, file, #, - or +", key)
	}
	return nil
}

// apply returns the text of the file with the change.
func (m *mutant) apply(text string) (string, error) {
	if n := strings.Count(text, m.before); n != 1 {
		return "", fmt.Errorf("the lines stand %d times in %s, want once:\n%s", n, m.file, m.before)
	}
	return strings.Replace(text, m.before, m.after, 1), nil
}
