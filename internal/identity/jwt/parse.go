// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"strings"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// MaxBytes is the longest token that is looked at.
const MaxBytes = 16 << 10

// supported are the algorithms that a token may be signed with at all: what is
// verified with a public key can only be made with the private one.
func supported() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}

// parsed is a token of which nothing is proven yet.
type parsed struct {
	signed *jose.JSONWebSignature
	header jose.Header
	claims map[string]any
	issuer string
}

// parse takes a token apart. One token has one spelling: what a lenient decoder
// would overlook (line breaks, padding, bits that mean nothing) is refused.
func parse(token string) (*parsed, error) {
	if err := checkForm(token); err != nil {
		return nil, err
	}
	signed, err := jose.ParseSignedCompact(token, supported())
	if err != nil {
		return nil, parseError(err)
	}
	p := &parsed{signed: signed, header: signed.Signatures[0].Protected}
	if err := p.checkHeader(); err != nil {
		return nil, err
	}
	if p.claims, err = decode(signed.UnsafePayloadWithoutVerification()); err != nil {
		return nil, err
	}
	var ok bool
	if p.issuer, ok = p.claims["iss"].(string); !ok || p.issuer == "" {
		return nil, Invalid("does not say who issued it: iss must be a string")
	}
	return p, nil
}

// checkForm looks at the form of the compact serialization.
func checkForm(token string) error {
	switch {
	case token == "":
		return Invalid("is empty")
	case len(token) > MaxBytes:
		return Invalid("is longer than 16 KiB")
	}
	switch strings.Count(token, ".") {
	case 2:
	case 4:
		return Invalid("is encrypted; send a signed one")
	default:
		return Invalid("is not a JSON Web Token: it must have three parts")
	}
	for part := range strings.SplitSeq(token, ".") {
		if !canonical(part) {
			return Invalid("is not a JSON Web Token: its parts must be base64url as it is usually spelled")
		}
	}
	return nil
}

// canonical reports whether a text, if it is base64url at all, is spelled as an
// encoder does: without line breaks, which decoders skip, and with zeros for the
// bits of the last character that stand for nothing.
func canonical(part string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if strings.ContainsAny(part, "\r\n") {
		return false
	}
	unused := [...]int{0: 0, 2: 1<<4 - 1, 3: 1<<2 - 1}[len(part)%4]
	return unused == 0 || strings.IndexByte(alphabet, part[len(part)-1])&unused == 0
}

func parseError(err error) error {
	if _, ok := err.(*jose.ErrUnexpectedSignatureAlgorithm); ok { //nolint:errorlint // go-jose returns it bare
		return Invalid("is not signed with an algorithm that is taken here; none and those with a shared secret never are")
	}
	return Invalid("is not a JSON Web Token: its parts must be base64url without padding, and its header a JSON object")
}

// checkHeader refuses extensions that change what a signature means. None is
// understood here (RFC 7515, section 4.1.11).
func (p *parsed) checkHeader() error {
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, ok := p.header.ExtraHeaders[name]; ok {
			return Invalid("has a critical header, which is not understood here")
		}
	}
	return nil
}

// decode reads claims. Names that are there twice, of which different readers
// would believe different ones, are refused.
func decode(payload []byte) (map[string]any, error) {
	var s ijson.Scanner
	s.Reset(string(payload))
	claims := s.Map(nil)
	if err := s.End(); err != nil || claims == nil {
		return nil, Invalid("is not valid: its claims must be a JSON object in UTF-8, in which no name is there twice")
	}
	return claims, nil
}
