// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is whom the program runs as: nobody that any system knows, by number,
// which is what runAsNonRoot can check.
const user = "65532:65532"

// build compiles the program for every platform, writes the folder, and returns
// the digest of the image index.
func build(ctx context.Context, o options) (v1.Hash, error) {
	c, err := sources(ctx, o.module, os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return v1.Hash{}, err
	}
	// Written beside its place, so that what is there is whole or not there.
	out := filepath.Clean(o.out)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return v1.Hash{}, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".image-")
	if err != nil {
		return v1.Hash{}, err
	}
	defer os.RemoveAll(tmp)
	index, err := write(ctx, o, c, tmp)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return v1.Hash{}, err
	}
	if err := os.RemoveAll(out); err != nil {
		return v1.Hash{}, err
	}
	if err := os.Rename(tmp, out); err != nil {
		return v1.Hash{}, err
	}
	return index.Digest()
}

// write fills a folder that is there and empty.
func write(ctx context.Context, o options, c commit, folder string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range o.platforms {
		binary := filepath.Join(folder, path.Base(o.pkg))
		if err := compile(ctx, o, p, binary); err != nil {
			return nil, err
		}
		img, err := assemble(o, c, p, binary)
		if err != nil {
			return nil, fmt.Errorf("image for %s: %w", p, err)
		}
		file := filepath.Join(folder, fmt.Sprintf("%s-%s-%s", path.Base(o.pkg), p.OS, p.Architecture))
		if err := tarball.WriteToFile(file+".tar", o.tag, img); err != nil {
			return nil, fmt.Errorf("write %s.tar: %w", file, err)
		}
		if err := writeBill(file+".cdx.json", o, c, binary); err != nil {
			return nil, err
		}
		if err := os.Remove(binary); err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &p}})
	}
	annotated, ok := mutate.Annotations(index, o.annotations(c)).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("annotate the index: got a %T", annotated)
	}
	return annotated, writeLayout(filepath.Join(folder, "oci"), o.tag, annotated)
}

// assemble makes the image of one program: one layer with one file.
func assemble(o options, c commit, p v1.Platform, binary string) (v1.Image, error) {
	layer, err := layerOf(binary, c.time)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{
		Created: v1.Time{Time: c.time}, CreatedBy: "go build " + o.pkg,
	}})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Created = v1.Time{Time: c.time}
	config.Config = v1.Config{
		User:       user,
		Entrypoint: []string{"/" + filepath.Base(binary)},
		WorkingDir: "/",
		// Tools read the one or the other: labels are the image's, annotations the manifest's.
		Labels: o.annotations(c),
	}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(img, o.annotations(c)).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("annotate the image: got a %T", annotated)
	}
	return annotated, nil
}

// annotations are the predefined ones of the OCI image specification.
func (o options) annotations(c commit) map[string]string {
	a := map[string]string{
		"org.opencontainers.image.title":       o.title,
		"org.opencontainers.image.description": o.description,
		"org.opencontainers.image.version":     o.version,
		"org.opencontainers.image.created":     c.time.Format(time.RFC3339),
		"org.opencontainers.image.source":      "https://github.com/rolecall/rolecall",
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	if c.revision != "" {
		a["org.opencontainers.image.revision"] = c.revision
	}
	return a
}

// layerOf makes a layer that holds the file in its root and nothing else: owned by
// root, so that the program cannot change itself, and run by anybody.
func layerOf(file string, modified time.Time) (v1.Layer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	header := &tar.Header{Name: filepath.Base(file), Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(text)), ModTime: modified}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
}

// writeLayout writes the index, and all that it names, as an OCI image layout. The
// names are where podman and skopeo, and where containerd look for them.
func writeLayout(folder string, tag name.Tag, index v1.ImageIndex) error {
	l, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return l.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": tag.TagStr(),
		"io.containerd.image.name":          tag.Name(),
	}))
}
