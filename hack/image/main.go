// SPDX-License-Identifier: Apache-2.0

// Command image builds a container image of one static Go program, from scratch:
// no base image, no container engine, no network. `make image` runs it.
//
// It writes into a folder
//
//	oci/                     an OCI image layout: one image index over all platforms
//	NAME-OS-ARCH.tar         the image of one platform, for docker load, ctr images import and kind load image-archive
//	NAME-OS-ARCH.cdx.json    what is in it: a software bill of materials (CycloneDX)
//
// All of it is reproducible: it depends on the sources, the version and the
// release of Go, and on nothing else; the only time in it is the commit's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// options say what to build.
type options struct {
	// module is the folder of the Go module, pkg the main package in it.
	module, pkg string
	// tag is the image's name with its version.
	tag name.Tag
	// version is stamped into the program and the image.
	version     string
	title       string
	description string
	platforms   []v1.Platform
	out         string
}

func command(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	digest, err := build(ctx, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s@%s\n", o.tag, digest)
	return err
}

func parse(args []string) (options, error) {
	var o options
	var repository, platforms string
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&o.module, "module", ".", "`folder` of the Go module")
	flags.StringVar(&o.pkg, "package", "./cmd/rolecall", "main package in it")
	flags.StringVar(&repository, "name", "ghcr.io/rolecall/rolecall", "name of the image, without a tag")
	flags.StringVar(&o.version, "version", "devel", "version of the program, and tag of the image")
	flags.StringVar(&o.title, "title", "Rolecall", "title of the image")
	flags.StringVar(&o.description, "description", "Application authorization as Kubernetes objects", "what it is, in a few words")
	flags.StringVar(&platforms, "platforms", "linux/amd64,linux/arm64", "platforms, with commas between them")
	flags.StringVar(&o.out, "out", "", "`folder` to write; what it holds is replaced")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.out == "" {
		return o, errors.New("-out is missing: name the folder to write")
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag: there are only flags", flags.Arg(0))
	}
	for text := range strings.SplitSeq(platforms, ",") {
		p, err := v1.ParsePlatform(strings.TrimSpace(text))
		if err != nil || p.OS != "linux" || p.Architecture == "" {
			return o, fmt.Errorf("-platforms: %q: want linux/amd64, linux/arm64 or another linux platform that Go knows", text)
		}
		o.platforms = append(o.platforms, *p)
	}
	var err error
	if o.tag, err = name.NewTag(repository + ":" + o.version); err != nil {
		return o, fmt.Errorf("-name %q, -version %q: %w", repository, o.version, err)
	}
	return o, nil
}
