// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// The methods, as door.Caller names them.
const (
	// MethodServiceAccount is a Kubernetes service account's token.
	MethodServiceAccount = "serviceaccount"
	// MethodJWT is a signed token of an issuer.
	MethodJWT = "jwt"
	// MethodCertificate is a client's certificate.
	MethodCertificate = "certificate"
	// MethodAPIKey is a secret that is shared with the server.
	MethodAPIKey = "apikey"
)

// Options are what a gate needs. All fields are required but Kube.
type Options struct {
	// Config is valid, with defaults, and decided (config.DecideCallers).
	Config *configv1alpha1.Callers
	// Kube is the API server that reviews service accounts.
	Kube *rest.Config
	// Now is the clock.
	Now func() time.Time
	// Meter counts reviews.
	Meter Meter
	// Logger hears when reviews or files fail and when they do not any more; never
	// of a request.
	Logger logr.Logger
}

// Gate is a door.Gate. It is safe for concurrent use.
type Gate struct {
	// anyone lets everyone in.
	anyone bool
	// Of a method that is not configured there is nil.
	accounts     *accounts
	tokens       *tokens
	certificates *certificates
	keys         *keys
	// nobody refuses who proves nothing.
	nobody *door.Error
}

// New returns a gate. Its error names the file that could not be read.
func New(o Options) (*Gate, error) {
	g := &Gate{anyone: o.Config.Anonymous == configv1alpha1.AnonymousAllow}
	var err error
	if s := o.Config.ServiceAccounts; s != nil {
		if g.accounts, err = newAccounts(s, o); err != nil {
			return nil, err
		}
	}
	if s := o.Config.JWT; len(s) > 0 {
		if g.tokens, err = newTokens(s, o); err != nil {
			return nil, err
		}
	}
	if s := o.Config.ClientCertificates; s != nil {
		if g.certificates, err = newCertificates(s, o); err != nil {
			return nil, err
		}
	}
	if s := o.Config.APIKeys; len(s) > 0 {
		if g.keys, err = newKeys(s, o); err != nil {
			return nil, err
		}
	}
	g.nobody = unauthenticated(challenge, "the request does not say who asks; "+g.advice())
	return g, nil
}

// reread is the time between two readings of the files. They are small, and
// reading them finds a change under every kind of mount.
const reread = 2 * time.Second

// Run reads the files of keys and authorities again, and keeps the keys of issuers
// fresh, until ctx ends.
func (g *Gate) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	if g.tokens != nil {
		all.Go(func() { _ = g.tokens.verifier.Run(ctx) }) // never fails
	}
	wait.UntilWithContext(ctx, func(context.Context) { g.rereadFiles() }, reread)
}

// KeyStates returns what is known of the keys of the issuers whose tokens callers
// have.
func (g *Gate) KeyStates() []jwt.KeyState {
	if g.tokens == nil {
		return nil
	}
	return g.tokens.verifier.KeyStates()
}

func (g *Gate) rereadFiles() {
	if g.certificates != nil {
		g.certificates.reread()
	}
	if g.keys != nil {
		g.keys.reread()
	}
}

// ClientCAs returns the authorities whose certificates the listener shall verify,
// as they are now; nil if certificates are no method. The pool is another one
// after a change.
func (g *Gate) ClientCAs() *x509.CertPool {
	if g.certificates == nil {
		return nil
	}
	return g.certificates.authorities.Load().pool
}

// Admit implements door.Gate. What a request says in headers goes before the
// certificate of its connection, which may be a proxy's.
func (g *Gate) Admit(ctx context.Context, c door.Credentials, namespace string, p door.Permission) (door.Caller, error) {
	switch {
	case g.anyone:
		return door.Caller{}, nil
	case c.Authorization != "" && (g.accounts != nil || g.tokens != nil || g.keys != nil):
		return g.byHeader(ctx, c.Authorization, namespace, p)
	case c.APIKey != "" && g.keys != nil:
		return g.keys.admit(c.APIKey, namespace, p)
	case g.certificates != nil && c.TLS != nil && len(c.TLS.VerifiedChains) > 0:
		return g.certificates.admit(c.TLS, namespace, p)
	}
	return door.Caller{}, g.nobody
}

func (g *Gate) byHeader(ctx context.Context, header, namespace string, p door.Permission) (door.Caller, error) {
	token, id, err := parseAuthorization(header)
	switch {
	case err != nil:
		return door.Caller{}, err
	case id != "" && g.keys != nil:
		return g.keys.admitID(id, token, namespace, p)
	case id != "":
		return door.Caller{}, errBasic
	case g.isKey(token):
		return g.keys.admit(token, namespace, p)
	case g.accounts == nil:
		return g.tokens.admit(ctx, token, namespace, p)
	}
	q := g.accounts.question(token, namespace, p)
	if known := g.accounts.recall(q); known != nil {
		return answer(known.caller, known.refusal)
	}
	if g.tokens != nil && g.tokens.issued(token) {
		return g.tokens.admit(ctx, token, namespace, p)
	}
	return g.accounts.admit(ctx, q)
}

// isKey reports whether a bearer's token is for the keys to judge: no key has a
// dot, and every JWT has.
func (g *Gate) isKey(token string) bool {
	return g.keys != nil && (!strings.Contains(token, ".") || (g.accounts == nil && g.tokens == nil))
}

var errBasic = unauthenticated(challenge, "this server has no API keys; send Authorization: Bearer TOKEN")

// Methods returns the methods that are configured.
func (g *Gate) Methods() []string {
	var all []string
	for _, m := range []struct {
		name       string
		configured bool
	}{
		{MethodServiceAccount, g.accounts != nil},
		{MethodJWT, g.tokens != nil},
		{MethodCertificate, g.certificates != nil},
		{MethodAPIKey, g.keys != nil},
	} {
		if m.configured {
			all = append(all, m.name)
		}
	}
	return all
}

// advice says what a caller can send.
func (g *Gate) advice() string {
	var ways []string
	if g.accounts != nil {
		ways = append(ways, "a service account's token for the audience "+g.accounts.audience+" (Authorization: Bearer TOKEN)")
	}
	if g.tokens != nil {
		ways = append(ways, "a JWT of an issuer that is trusted here (Authorization: Bearer TOKEN)")
	}
	if g.keys != nil {
		ways = append(ways, "an API key (Authorization: Bearer KEY, or X-API-Key)")
	}
	if g.certificates != nil {
		ways = append(ways, "a client certificate")
	}
	return "send " + strings.Join(ways, " or ")
}

// answer is what an admission or a refusal looks like to a door.
func answer(c door.Caller, refusal *door.Error) (door.Caller, error) {
	if refusal != nil {
		return door.Caller{}, refusal
	}
	return c, nil
}

// errNotAFile is for a file that is there and cannot be used; its message holds
// nothing of the content.
var errNotAFile = errors.New("the file is not what it should be")
