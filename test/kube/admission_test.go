// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// admissionRig is an API server that asks Rolecall about objects, by the file of
// config/admission, and what it takes to run Rolecall beside it.
type admissionRig struct {
	*cluster
	program, kubeconfig, configuration string
	address                            string
}

func startAdmissionRig(t *testing.T) *admissionRig {
	t.Helper()
	r := &admissionRig{program: live.Build(t, root), cluster: startClusterWithCRDs(t), address: live.FreeAddress(t)}
	authority := pki.New(t)
	certificate := authority.Issue(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	certFile, keyFile := authority.Files(t.TempDir(), &certificate)
	r.configuration = fmt.Sprintf("admission: {bindAddress: %q, tls: {certFile: %q, keyFile: %q}}\n", r.address, certFile, keyFile)
	r.installOperator(t)
	r.kubeconfig = r.operatorKubeconfig(t, r.cluster.address())

	content, err := os.ReadFile(filepath.Join(root, "config/admission/webhook/configuration.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const service = "    service:\n      name: rolecall-webhook\n      namespace: rolecall-system\n      path: /admission\n      port: 443\n"
	if strings.Count(string(content), service) != 1 {
		t.Fatalf("the configuration does not name the service:\n%s", content)
	}
	outside := fmt.Sprintf("    url: https://%s/admission\n    caBundle: %s\n", r.address, base64.StdEncoding.EncodeToString([]byte(authority.PEM())))
	r.kubectlApply(t, strings.Replace(string(content), service, outside, 1), "apply", "-f", "-")
	return r
}

// serve starts Rolecall where the API server looks for it.
func (r *admissionRig) serve(t *testing.T) *operator {
	t.Helper()
	o := startOperatorWith(t, r.program, r.kubeconfig, r.configuration)
	live.Eventually(t, "the operator is ready", o.ready)
	return o
}

// says runs kubectl with an input and returns all that it prints, whether or not it
// succeeds.
func (c *cluster) says(ctx context.Context, input string, args ...string) string {
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig, "HOME="+c.home, "KUBECACHEDIR="+c.home)
	command.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		fmt.Fprintf(&out, "(%v)\n", err)
	}
	return out.String()
}

const brokenRole = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: broken}
spec: {permissions: [{resource: document, actions: [read], condition: contxt.mfa}]}
`

const danglingWarning = `Warning: spec.roles[0]: "editor" is the id of no rcrole in this namespace: correct it, or create the rcrole; until then the binding does not give it` + "\n"

// TestAdmission: people who write objects with kubectl are warned of what only the
// other objects show, and what does not compile is refused; without Rolecall, the
// policies still refuse, everything else is let through, and the status says it later.
func TestAdmission(t *testing.T) {
	t.Parallel()
	r := startAdmissionRig(t)
	r.kubectlApply(t, people, "apply", "-f", "-")
	r.kubectl(t, "create", "namespace", "shop")
	r.kubectl(t, "apply", "-k", filepath.Join(root, "config/admission/policies"))
	binding := strings.Replace(bindingOf, "USER", "jane", 1)
	o := r.serve(t)
	apply := []string{"apply", "-n", "shop", "-f", "-"}

	t.Run("a warning", func(t *testing.T) {
		live.Eventually(t, "kubectl warns of a role that is not there", func(ctx context.Context) error {
			if out := r.says(ctx, binding, append(apply, "--dry-run=server")...); out != danglingWarning+"rolebinding.rolecall.dev/editors created (server dry run)\n" {
				return fmt.Errorf("it says:\n%s", out)
			}
			return nil
		})
		if out := r.says(t.Context(), "", "get", "rcbind", "-n", "shop"); !strings.Contains(out, "No resources found") {
			t.Errorf("a dry run has left something:\n%s", out)
		}
		if out := r.says(t.Context(), binding, apply...); out != danglingWarning+"rolebinding.rolecall.dev/editors created\n" {
			t.Errorf("kubectl says:\n%s", out)
		}
	})
	t.Run("a label is no reason", func(t *testing.T) {
		if out := r.says(t.Context(), "", "label", "rcbind", "editors", "-n", "shop", "a=b"); strings.Contains(out, "Warning") {
			t.Errorf("kubectl says:\n%s", out)
		}
	})
	t.Run("a refusal", func(t *testing.T) {
		const want = `The Role "broken" is invalid: spec.permissions[0].condition: (line 1, column 1): there is no variable "contxt" (did you mean "context"?)`
		// The webhook lets through what it is not asked about in time.
		live.Eventually(t, "kubectl is told why", func(ctx context.Context) error {
			if out := r.says(ctx, brokenRole, append(apply, "--dry-run=server")...); !strings.Contains(out, want) {
				return fmt.Errorf("it says:\n%s", out)
			}
			return nil
		})
	})
	t.Run("a role goes that is bound", func(t *testing.T) {
		r.kubectlApply(t, documentResource+"---"+editorRole, apply...)
		const want = `Warning: metadata.name: "editor" is still named by rcbinds, which then give nothing by it`
		live.Eventually(t, "kubectl warns", func(ctx context.Context) error {
			if out := r.says(ctx, "", "delete", "rcrole", "editor", "-n", "shop", "--dry-run=server"); !strings.Contains(out, want) {
				return fmt.Errorf("it says:\n%s", out)
			}
			return nil
		})
	})
	t.Run("namespaces that are left out", func(t *testing.T) {
		for _, namespace := range []string{operatorNamespace, "kube-system"} {
			if out := r.says(t.Context(), binding, "apply", "-n", namespace, "-f", "-", "--dry-run=server"); strings.Contains(out, "Warning") {
				t.Errorf("in %s kubectl says:\n%s", namespace, out)
			}
		}
	})
	t.Run("an author who may not", func(t *testing.T) {
		as := append(apply, "--as=writer", "--as-group=writers")
		live.Eventually(t, "the policy refuses", func(ctx context.Context) error {
			if out := r.says(ctx, strings.Replace(binding, "jane", "john", 1), as...); !strings.Contains(out, "ask for the verb bind") {
				return fmt.Errorf("kubectl says:\n%s", out)
			}
			return nil
		})
		r.kubectl(t, "delete", "validatingadmissionpolicybinding", "rolebindings.rolecall.dev")
		const want = `Warning: spec.roles: you lack the verb bind on roles.rolecall.dev for "editor", and still the binding gives it`
		live.Eventually(t, "without the policy the webhook warns", func(ctx context.Context) error {
			if out := r.says(ctx, strings.Replace(binding, "jane", "john", 1), append(as, "--dry-run=server")...); !strings.Contains(out, want) {
				return fmt.Errorf("kubectl says:\n%s", out)
			}
			return nil
		})
		r.kubectl(t, "apply", "-k", filepath.Join(root, "config/admission/policies"))
	})
	t.Run("without Rolecall", func(t *testing.T) { r.without(t, o, apply) })
}

// without stops Rolecall: what does not compile is stored then, what gives more than
// its author may give is not. Rolecall says the rest when it is back.
func (r *admissionRig) without(t *testing.T, o *operator, apply []string) {
	o.stop(t)
	if out := r.says(t.Context(), brokenRole, apply...); out != "role.rolecall.dev/broken created\n" {
		t.Errorf("kubectl says:\n%s", out)
	}
	assertable := "{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: mine}, spec: {assertable: true}}"
	out := r.says(t.Context(), assertable, append(apply, "--as=writer", "--as-group=writers")...)
	if !strings.Contains(out, `ask for the verb escalate on roles.rolecall.dev "mine" in the namespace "shop"`) {
		t.Errorf("kubectl says:\n%s", out)
	}
	r.serve(t)
	condition := fmt.Sprintf(`--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=%s`, v1alpha1.ReasonInvalidCondition)
	r.kubectl(t, "wait", "-n", "shop", condition, "--timeout=1m", "rcrole/broken")
}
