// SPDX-License-Identifier: Apache-2.0

//go:build kube

package ha

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/live"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// root is the repository's root, as seen from this package's folder.
const root = "../.."

// adminToken is the administrator's.
const adminToken = "administrator"

// cluster is an etcd and a kube-apiserver that can be stopped, killed and started
// again with what they knew, which those of envtest cannot.
type cluster struct {
	authority *pki.Authority
	url       *url.URL
	etcd      *live.Process
	apiServer *live.Process
	// admin may do everything; kube is the same for the core's kinds.
	admin client.Client
	kube  kubernetes.Interface

	bin, dir, kubeconfig string
	etcdURL              string
}

// startCluster starts them, without any objects.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	bin := os.Getenv("KUBEBUILDER_ASSETS")
	if bin == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name the folder of kube-apiserver, etcd and kubectl: run `make test-ha`, or set it to what hack/kube/build.sh prints")
	}
	log.SetLogger(logr.Discard()) // of the library that admin is of
	c := &cluster{authority: pki.New(t), bin: bin, dir: t.TempDir(), etcdURL: "http://" + live.FreeAddress(t)}
	c.url = &url.URL{Scheme: "https", Host: live.FreeAddress(t)}
	peer := "http://" + live.FreeAddress(t)
	c.etcd = live.NewProcess(t, "etcd", filepath.Join(bin, "etcd"), "--data-dir="+filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+c.etcdURL, "--advertise-client-urls="+c.etcdURL,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	c.etcd.Start(t)
	c.apiServer = live.NewProcess(t, "kube-apiserver", filepath.Join(bin, "kube-apiserver"), c.apiServerFlags(t)...)
	c.connect(t)
	c.startAPIServer(t)
	return c
}

func (c *cluster) apiServerFlags(t *testing.T) []string {
	t.Helper()
	folder := func(name string) string {
		dir := filepath.Join(c.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	certFile, keyFile := c.authority.Files(folder("serving"), c.authority.Server("kube-apiserver"))
	accountsFile, accountsKey := c.authority.Files(folder("accounts"), c.authority.Server("accounts"))
	tokens := filepath.Join(c.dir, "tokens.csv")
	pki.Replace(t, tokens, adminToken+`,admin,admin,"system:masters"`+"\n")
	return []string{
		"--etcd-servers=" + c.etcdURL, "--bind-address=127.0.0.1", "--secure-port=" + c.url.Port(), "--cert-dir=" + c.dir,
		"--tls-cert-file=" + certFile, "--tls-private-key-file=" + keyFile, "--token-auth-file=" + tokens,
		"--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + accountsFile,
		"--service-account-signing-key-file=" + accountsKey, "--request-timeout=10s", // so long it waits for watches when it is stopped
	}
}

func (c *cluster) connect(t *testing.T) {
	t.Helper()
	config := &rest.Config{
		Host: c.url.String(), BearerToken: adminToken, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(c.authority.PEM())},
		Timeout: 10 * time.Second,
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{v1alpha1.AddToScheme, rbacv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.admin, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		t.Fatal(err)
	}
	if c.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	c.kubeconfig = c.writeKubeconfig(t, "admin", c.url.Host, adminToken)
}

// startAPIServer starts it (again) and waits until it is ready.
func (c *cluster) startAPIServer(t *testing.T) {
	t.Helper()
	c.apiServer.Start(t)
	live.Eventually(t, "the API server is ready", func(ctx context.Context) error {
		return c.kube.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// writeKubeconfig writes a kubeconfig for an address of the API server.
func (c *cluster) writeKubeconfig(t *testing.T, name, address, token string) string {
	t.Helper()
	file := filepath.Join(c.dir, name+".kubeconfig")
	authority := filepath.Join(c.dir, "ca.crt")
	pki.Replace(t, authority, c.authority.PEM())
	pki.Replace(t, file, fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://%s", certificate-authority: %q}}]
users: [{name: test, user: {token: %q}}]
`, address, authority, token))
	return file
}

// token returns a token of a service account.
func (c *cluster) token(t *testing.T, namespace, account string) string {
	t.Helper()
	request, err := c.kube.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), account, tokenFor(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// tokenFor asks for a token for audiences; none is the API server.
func tokenFor(audiences ...string) *authenticationv1.TokenRequest {
	return &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, ExpirationSeconds: new(int64(3600))}}
}

// granted waits until RBAC knows the operator's rights: those to the objects of a
// namespace, and those in its own.
func (c *cluster) granted(t *testing.T, account, namespace string) {
	t.Helper()
	live.Eventually(t, "the operator has its rights in "+namespace, func(context.Context) error {
		who := "--as=system:serviceaccount:" + operatorNamespace + ":" + account
		if !c.may(t, "auth", "can-i", who, "list", "roles.rolecall.dev", "-n", namespace) ||
			!c.may(t, "auth", "can-i", who, "update", "secrets/rolecall-tls", "-n", operatorNamespace) {
			return errors.New("not yet")
		}
		return nil
	})
}

// may asks kubectl whether something is allowed.
func (c *cluster) may(t *testing.T, args ...string) bool {
	t.Helper()
	out, err := c.tryKubectl(t, args...)
	if answer := strings.TrimSpace(out); answer != "yes" && answer != "no" {
		t.Fatalf("kubectl says %q, %v", out, err)
	}
	return err == nil
}

// kubectl runs kubectl as the administrator and returns what it prints.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.tryKubectl(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tryKubectl is kubectl for a command that may fail.
func (c *cluster) tryKubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, _, err := live.Run(t.Context(), []string{"KUBECONFIG=" + c.kubeconfig, "HOME=" + c.dir}, "", filepath.Join(c.bin, "kubectl"), args...)
	return out, err
}

// install applies what config/default holds.
func (c *cluster) install(t *testing.T) {
	t.Helper()
	c.kubectl(t, "apply", "--server-side", "-k", filepath.Join(root, "config/default"))
	c.served(t)
}

// served waits until the API server takes and gives objects of all the kinds.
func (c *cluster) served(t *testing.T) {
	t.Helper()
	c.kubectl(t, "wait", "--for=condition=Established", "--timeout=1m", "crd", "--all")
	for _, list := range []client.ObjectList{
		&v1alpha1.ResourceList{}, &v1alpha1.RoleList{}, &v1alpha1.RoleBindingList{}, &v1alpha1.GroupList{},
	} {
		live.Eventually(t, fmt.Sprintf("%T can be listed", list), func(ctx context.Context) error { return c.admin.List(ctx, list) })
	}
}

// transport reaches the API server.
func (c *cluster) transport() http.RoundTripper { return c.authority.Client(nil).Transport }
