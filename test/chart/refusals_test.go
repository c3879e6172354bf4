// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"strings"
	"testing"
)

// TestRefusals: what is wrong is refused before anything is installed, in words that
// name the value and, where it is not plain, the remedy.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		set  []string
		want string
	}{
		"a value that there is not": {
			set: []string{"replica=3"}, want: `additional properties 'replica' not allowed`,
		},
		"a value that there is not, inside another": {
			set: []string{"image.registry=example.com"}, want: `at '/image': additional properties 'registry' not allowed`,
		},
		"a field that Kubernetes' type has not": {
			set: []string{"resources.request.cpu=1"}, want: `at '/resources': additional properties 'request' not allowed`,
		},
		"a field that the configuration has not": {
			set: []string{"config.http.bindAddres=x"}, want: `at '/config/http': additional properties 'bindAddres' not allowed`,
		},
		"the wrong type": {
			set: []string{"replicas=two"}, want: `at '/replicas': got string, want integer`,
		},
		"too few": {
			set: []string{"replicas=0"}, want: `at '/replicas': minimum: got 0, want 1`,
		},
		"none of the values that there are": {
			set: []string{"tls.source=SelfSigned"}, want: `at '/tls/source': value must be one of`,
		},
		"none of the configuration's": {
			set: []string{"config.log.level=loud"}, want: `at '/config/log/level': value must be one of 'error', 'info', 'debug'`,
		},
		"no duration": {
			set: []string{"config.maxSnapshotAge=15 minutes"}, want: `at '/config/maxSnapshotAge': '15 minutes' does not match pattern`,
		},
		"a digest that is none": {
			set: []string{"image.digest=latest"}, want: `at '/image/digest': 'latest' does not match pattern`,
		},
		"an address, which the chart sets": {
			set: []string{"config.http.bindAddress=:80"}, want: `config.http.bindAddress: the chart sets it itself: remove it`,
		},
		"TLS in the configuration": {
			set: []string{"config.grpc.tls.certFile=/a", "config.grpc.tls.keyFile=/b"}, want: `config.grpc.tls: the chart sets it itself: remove it; set tls of the chart`,
		},
		"the port of health": {
			set: []string{"config.health.bindAddress=:80"}, want: `config.health: the chart sets it itself: remove it`,
		},
		"the webhook in the configuration": {
			set: []string{"config.admission.refuse=Nothing"}, want: `config.admission: the chart sets it itself: remove it`,
		},
		"namespaces without rights": {
			set: []string{"config.namespaces={shop}"}, want: `config.namespaces: set watchNamespaces instead`,
		},
		"no ServiceAccount": {
			set: []string{"serviceAccount.create=false"}, want: `serviceAccount.name: name the ServiceAccount that there is`,
		},
		"fewer at most than at least": {
			set: []string{"autoscaling.enabled=true", "autoscaling.minReplicas=11"}, want: `autoscaling.minReplicas: 11 are more than autoscaling.maxReplicas (10)`,
		},
		"a share of nothing": {
			set: []string{"autoscaling.enabled=true", "resources.requests.cpu=null"}, want: `resources.requests.cpu: set it`,
		},
		"nodes that cannot be drained": {
			set: []string{"podDisruptionBudget.maxUnavailable=0%"}, want: `podDisruptionBudget.maxUnavailable: 0 would keep nodes from ever being drained`,
		},
		"no issuer": {
			set: []string{"tls.source=CertManager"}, want: `tls.certManager.issuerRef.name: name the Issuer or ClusterIssuer`,
		},
		"no Secret": {
			set: []string{"tls.source=Secret", "admission.webhook.enabled=false"}, want: `tls.secretName: name the Secret with tls.crt and tls.key`,
		},
		"pods killed while they answer": {
			set:  []string{"config.timeouts.shutdownDelay=1m0.5s", "config.timeouts.drain=1500ms"},
			want: `terminationGracePeriodSeconds: 30 is shorter than config.timeouts.shutdownDelay and config.timeouts.drain together (63 s)`,
		},
		"a certificate in the configuration that the chart names": {
			set: []string{"config.certificates.dnsNames={a}"}, want: `config.certificates.dnsNames: the chart sets it itself: remove it`,
		},
		"a certificate that is not made": {
			set:  []string{"tls.source=CertManager", "tls.certManager.issuerRef.name=a", "config.certificates.validity=24h"},
			want: `config.certificates: with tls.source CertManager no certificate is made`,
		},
		"who reads the metrics, in the configuration": {
			set: []string{"config.metrics.anonymous=Allow"}, want: `config.metrics.anonymous: set metrics.anonymous instead`,
		},
		"a webhook without TLS": {
			set: []string{"tls.source=None"}, want: `admission.webhook.enabled: API servers speak TLS only`,
		},
		"a webhook that nobody trusts": {
			set: []string{"tls.source=Secret", "tls.secretName=a"}, want: `admission.webhook.caBundle: give the authority`,
		},
		"no alert": {
			set:  []string{"metrics.prometheusRule.enabled=true", "metrics.prometheusRule.disabled={RolecallDwon}"},
			want: `metrics.prometheusRule.disabled: there is no alert RolecallDwon; there are RolecallDown, `,
		},
		"another question for the kubelet": {
			set: []string{"livenessProbe.exec.command={x}"}, want: `livenessProbe.exec: what is asked is fixed`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := []string{"template", release, chart}
			for _, set := range test.set {
				arguments = append(arguments, "--set", set)
			}
			_, faults, err := run(t, program(t, "HELM"), arguments...)
			if err == nil || !strings.Contains(faults, test.want) {
				t.Errorf("%v: got error %v:\n%s\nwant %s", test.set, err, faults, test.want)
			}
		})
	}
}

// TestKubernetesVersion: the chart says from which version on it works.
func TestKubernetesVersion(t *testing.T) {
	for version, works := range map[string]bool{"1.29.9": false, "1.30.0": true, "1.30.4-gke.100": true, "1.36.3": true} {
		_, faults, err := run(t, program(t, "HELM"), "template", release, chart, "--kube-version", version)
		if refused := strings.Contains(faults, "chart requires kubeVersion: >=1.30.0-0"); (err == nil) != works || refused == works {
			t.Errorf("Kubernetes %s: %v\n%s", version, err, faults)
		}
	}
}
