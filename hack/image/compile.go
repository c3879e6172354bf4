// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stamp is the variable that holds the program's version; a program without it
// ignores the stamp.
const stamp = "github.com/rolecall/rolecall/internal/version.version"

// compile builds the program for a platform into the file out: static, without
// paths, symbols or anything else that is of the machine and not of the sources.
func compile(ctx context.Context, o options, p v1.Platform, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+stamp+"="+o.version, "-o", out, o.pkg)
	cmd.Dir = o.module
	cmd.Stderr = os.Stderr
	// The last of two settings counts. Those that are empty mean Go's defaults,
	// whatever the caller's environment or `go env -w` says.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Architecture,
		"GOENV=off", "GOWORK=off", "GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=", "GODEBUG=", "GOAMD64=", "GOARM64=")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s for %s: %w", o.pkg, p, err)
	}
	return nil
}

// commit is what git knows of the sources. Outside a git repository it is empty,
// and its time that of the Unix epoch.
type commit struct {
	revision string
	time     time.Time
}

// sources returns the commit of a folder. SOURCE_DATE_EPOCH is the time instead
// where it is set (https://reproducible-builds.org/specs/source-date-epoch/).
func sources(ctx context.Context, folder, epoch string) (commit, error) {
	c := commit{time: time.Unix(0, 0).UTC()}
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%H %ct")
	cmd.Dir = folder
	if out, err := cmd.Output(); err == nil {
		revision, seconds, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		c.revision = revision
		if epoch == "" {
			epoch = seconds
		}
	}
	if epoch == "" {
		return c, nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return c, fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", epoch)
	}
	c.time = time.Unix(seconds, 0).UTC()
	return c, nil
}
