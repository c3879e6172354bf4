// SPDX-License-Identifier: Apache-2.0

package permissions

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// answer writes the permissions, or, to a GET that has them already, that they
// have not changed (RFC 9110, section 13.1.2).
func answer(w http.ResponseWriter, r *http.Request, all []authz.Permission) {
	body := encode(all)
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Authorization")
	if r.Method == http.MethodGet && matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// matches reports whether one of the tags of If-None-Match is ours. They are
// compared weakly, as that header asks for.
func matches(values []string, tag string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(values, ","), ","), func(given string) bool {
		given = strings.TrimSpace(given)
		return given == "*" || strings.TrimPrefix(given, "W/") == tag
	})
}

// encode returns {"permissions": ..., "conditional": ...}, both by resource and
// action. All that is declared is in the first, true only if it is certain; what
// depends on the resource is in the second, true. Equal permissions are equal bytes.
func encode(all []authz.Permission) []byte {
	b := append([]byte(nil), `{"permissions":`...)
	b = appendMap(b, all, authz.Allowed)
	var conditional []authz.Permission
	for _, p := range all {
		if p.Outlook == authz.Conditional {
			conditional = append(conditional, p)
		}
	}
	b = append(b, `,"conditional":`...)
	b = appendMap(b, conditional, authz.Conditional)
	return append(b, '}', '\n')
}

// appendMap appends permissions, which stand together by resource: true are those
// of one outlook.
func appendMap(b []byte, all []authz.Permission, yes authz.Outlook) []byte {
	b = append(b, '{')
	for i, p := range all {
		switch {
		case i == 0:
			b = append(ijson.AppendText(b, p.Resource), ':', '{')
		case p.Resource != all[i-1].Resource:
			b = append(ijson.AppendText(append(b, '}', ','), p.Resource), ':', '{')
		default:
			b = append(b, ',')
		}
		b = append(ijson.AppendText(b, p.Action), ':')
		b = strconv.AppendBool(b, p.Outlook == yes)
	}
	if len(all) > 0 {
		b = append(b, '}')
	}
	return append(b, '}')
}
