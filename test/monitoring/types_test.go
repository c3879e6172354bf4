// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"path/filepath"
	"strings"
	"testing"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestTypes: every object that an operator reads has the fields that the operator
// publishes, and no other.
func TestTypes(t *testing.T) {
	types := map[string]func() any{
		"PrometheusRule": func() any { return &monitoringv1.PrometheusRule{} },
		"ServiceMonitor": func() any { return &monitoringv1.ServiceMonitor{} },
		"Certificate":    func() any { return &certmanagerv1.Certificate{} },
	}
	found := map[string]int{}
	paths, err := filepath.Glob("../chart/testdata/golden/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		set := strings.TrimSuffix(filepath.Base(path), ".yaml")
		for name, text := range golden(t, set) {
			kind, _, _ := strings.Cut(name, " ")
			if into := types[kind]; into != nil {
				decode(t, text, into())
				found[kind]++
			} else if strings.Contains(text, "\napiVersion: monitoring.coreos.com/") || strings.Contains(text, "\napiVersion: cert-manager.io/") {
				t.Errorf("%s: nobody decodes %s", set, name)
			}
		}
	}
	for kind := range types {
		if found[kind] == 0 {
			t.Errorf("no set of values makes a %s", kind)
		}
	}
}

// TestTarget: what the ServiceMonitor selects is the Service whose name the alerts
// take for the job, at a port that it has.
func TestTarget(t *testing.T) {
	for set, name := range map[string]string{"monitoring": "rolecall", "plain": "rolecall"} {
		objects := golden(t, set)
		var monitor monitoringv1.ServiceMonitor
		decode(t, objects["ServiceMonitor "+name], &monitor)
		var selected []corev1.Service
		for key, text := range objects {
			if !strings.HasPrefix(key, "Service ") {
				continue
			}
			var service corev1.Service
			decode(t, text, &service)
			if matches(monitor.Spec.Selector.MatchLabels, service.Labels) {
				selected = append(selected, service)
			}
		}
		if len(selected) != 1 || selected[0].Name != name+"-metrics" {
			t.Fatalf("%s: the ServiceMonitor selects %d Services, want %s-metrics alone", set, len(selected), name)
		}
		endpoint := monitor.Spec.Endpoints[0]
		if port := selected[0].Spec.Ports[0].Name; endpoint.Port != port {
			t.Errorf("%s: the ServiceMonitor reads port %s, the Service has %s", set, endpoint.Port, port)
		}
		if string(endpoint.Interval) != "30s" {
			t.Errorf("%s: metrics are read every %s, and this test does every %s", set, endpoint.Interval, interval)
		}
	}
}

func matches(selector, have map[string]string) bool {
	for name, v := range selector {
		if have[name] != v {
			return false
		}
	}
	return len(selector) > 0
}
