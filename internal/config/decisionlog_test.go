// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

func TestDecisionLog(t *testing.T) {
	tests := map[string]struct {
		text string
		want *configv1alpha1.DecisionLog
	}{
		"is off":              {"", nil},
		"is on with defaults": {"decisionLog: {}", &configv1alpha1.DecisionLog{AllowSampleRate: new(0.01), QueueLength: 8192}},
		"has no allows":       {"decisionLog: {allowSampleRate: 0}", &configv1alpha1.DecisionLog{AllowSampleRate: new(0.0), QueueLength: 8192}},
		"has it all": {
			`
decisionLog:
  allowSampleRate: 1
  queueLength: 1
  file: {path: d.jsonl, maxDays: 7, compress: true}
  properties: {include: [context, subject.properties.department], mask: [context.ip]}
`,
			&configv1alpha1.DecisionLog{
				AllowSampleRate: new(1.0), QueueLength: 1,
				File: &configv1alpha1.RotatedFile{Path: "d.jsonl", MaxMebibytes: 100, MaxBackups: 10, MaxDays: 7, Compress: true},
				Properties: configv1alpha1.LoggedProperties{
					Include: []string{"context", "subject.properties.department"}, Mask: []string{"context.ip"},
				},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := config.Decode([]byte(head + tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.DecisionLog); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecisionLogRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"allowSampleRate: 1.5":                                   "decisionLog.allowSampleRate: Invalid value: 1.5: must be from 0 to 1",
		"allowSampleRate: -0.1":                                  "decisionLog.allowSampleRate",
		"allowSampleRate: some":                                  "decisionLog.allowSampleRate: a JSON string has no place here; want a number",
		"queueLength: 1000001":                                   "decisionLog.queueLength",
		"file: {}":                                               "decisionLog.file.path: Required",
		"file: {path: a, maxMebibytes: -1}":                      "decisionLog.file.maxMebibytes",
		"file: {path: a, maxBackups: -1}":                        "decisionLog.file.maxBackups",
		"file: {path: a, maxDays: -1}":                           "decisionLog.file.maxDays",
		"properties: {include: [ip]}":                            "decisionLog.properties.include[0]: Invalid value: \"ip\": must begin with one of context,",
		"properties: {include: [subject.id]}":                    "must begin with one of",
		"properties: {include: [contexts]}":                      "must begin with one of",
		"properties: {include: [context..ip]}":                   "one dot between",
		"properties: {include: ['']}":                            "one dot between",
		"properties: {include: [context, context]}":              "decisionLog.properties.include[1]: Duplicate",
		"properties: {mask: [context.ip]}":                       "decisionLog.properties.mask[0]: Invalid value: \"context.ip\": is not included",
		"properties: {include: [context.a], mask: [context]}":    "is not included",
		"properties: {include: [context.a], mask: [context.ab]}": "is not included",
	} {
		_, err := config.Decode([]byte(head + "decisionLog:\n  " + text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
