// SPDX-License-Identifier: Apache-2.0

package jwt_test

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func write(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }

func certificate(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// keySet returns a key set; a member that is nil is taken out.
func keySet(t *testing.T, keys ...map[string]any) string {
	t.Helper()
	for _, key := range keys {
		for name, value := range key {
			if value == nil {
				delete(key, name)
			}
		}
	}
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
