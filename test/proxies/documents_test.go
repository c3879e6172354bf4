// SPDX-License-Identifier: Apache-2.0

package proxies

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheConfigurationsAreReal: what docs/gateways.md shows is what the tests run.
func TestTheConfigurationsAreReal(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/gateways.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../hack/proxies/*")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, file := range files {
		name := filepath.Base(file)
		if info, err := os.Stat(file); err != nil || info.IsDir() || strings.HasSuffix(name, ".sh") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "\n"+string(text)+"```\n") {
			t.Errorf("the page does not show %s as it is", name)
		}
		shown++
	}
	if shown == 0 {
		t.Error("no configuration was found")
	}
}
