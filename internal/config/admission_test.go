// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

const admissionTLS = "tls: {certFile: a, keyFile: b}"

func TestAdmission(t *testing.T) {
	c, err := config.Decode([]byte(head + "admission: {" + admissionTLS + "}"))
	if err != nil {
		t.Fatal(err)
	}
	want := &configv1alpha1.Admission{
		Listener:                 configv1alpha1.Listener{BindAddress: "127.0.0.1:9443", TLS: &configv1alpha1.TLS{CertFile: "a", KeyFile: "b"}},
		WebhookConfigurationName: "rolecall", Refuse: configv1alpha1.RefuseInvalidObjects,
	}
	if diff := cmp.Diff(want, c.Admission); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if c, err = config.Decode([]byte(head)); err != nil || c.Admission != nil {
		t.Errorf("without a word there is a webhook: %v, error %v", c.Admission, err)
	}
}

func TestAdmissionFaults(t *testing.T) {
	for text, want := range map[string]string{
		"admission: {}": "admission.tls",
		"admission: {bindAddress: '9443', " + admissionTLS + "}":             "admission.bindAddress",
		"admission: {bindAddress: '127.0.0.1:8443', " + admissionTLS + "}":   "admission.bindAddress: Invalid value: \"127.0.0.1:8443\": is the address of metrics too",
		"admission: {tls: {certFile: a}}":                                    "admission.tls.keyFile",
		"admission: {webhookConfigurationName: 'A b', " + admissionTLS + "}": "admission.webhookConfigurationName",
		"admission: {refuse: Everything, " + admissionTLS + "}":              "admission.refuse",
	} {
		if _, err := config.Decode([]byte(head + text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}
