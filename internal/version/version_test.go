// SPDX-License-Identifier: Apache-2.0

package version_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStamp builds a program the way the Makefile does: a renamed variable would
// otherwise leave every release saying "devel" with no test red.
func TestStamp(t *testing.T) {
	tests := map[string]struct {
		ldflags string
		want    string
	}{
		"a stamped build says its stamp": {
			ldflags: "-X github.com/rolecall/rolecall/internal/version.version=v1.2.3-4-gabcdef0",
			want:    "v1.2.3-4-gabcdef0",
		},
		"a build without a stamp is never nameless": {want: "devel"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "show")
			build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", tt.ldflags, "-o", bin, "./testdata/show")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			out, err := exec.CommandContext(t.Context(), bin).Output()
			if err != nil {
				t.Fatalf("run: %v", err)
			}
			if got := strings.TrimSpace(string(out)); got != tt.want {
				t.Errorf("version = %q, want %q", got, tt.want)
			}
		})
	}
}
