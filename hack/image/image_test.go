// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// root is the repository.
const root = "../.."

// product builds the image of rolecall for this machine's processor, from the
// sources in a folder, and returns what was written.
func product(t *testing.T, sources, version string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	run(t, "-module", sources, "-version", version, "-platforms", "linux/"+runtime.GOARCH, "-out", out)
	return out
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var stdout strings.Builder
	if err := command(t.Context(), args, &stdout); err != nil {
		t.Fatal(err)
	}
	return stdout.String()
}

// TestPlatforms builds a small program for both platforms and reads everything
// back as a registry or a container engine would.
func TestPlatforms(t *testing.T) {
	out := filepath.Join(t.TempDir(), "image")
	printed := run(t, "-package", "./testdata/hello", "-name", "example.org/hello", "-version", "v1.2.3", "-out", out)
	index := indexOf(t, out)
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want := "example.org/hello:v1.2.3@" + digest.String() + "\n"; printed != want {
		t.Errorf("printed %q, want %q", printed, want)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, img, m.Platform.Architecture)
		sameAsTar(t, img, filepath.Join(out, "hello-linux-"+m.Platform.Architecture+".tar"))
		checkBill(t, filepath.Join(out, "hello-linux-"+m.Platform.Architecture+".cdx.json"),
			"pkg:golang/github.com/package-url/packageurl-go@")
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("the image is for %v, want %v", platforms, want)
	}
	checkAnnotations(t, "the index", manifest.Annotations)
}

// checkImage: the program and nothing else, run as nobody, with no shell to run
// it by.
func checkImage(t *testing.T, img v1.Image, architecture string) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != architecture {
		t.Errorf("the image is for %s/%s, want linux/%s", config.OS, config.Architecture, architecture)
	}
	if c := config.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/hello"}) || len(c.Cmd) > 0 || len(c.Env) > 0 {
		t.Errorf("the image runs %q %q as %q with %q, want /hello as 65532:65532", c.Entrypoint, c.Cmd, c.User, c.Env)
	}
	checkAnnotations(t, "the configuration", config.Config.Labels)
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	checkAnnotations(t, "the manifest", manifest.Annotations)

	file, header := onlyFile(t, img)
	if header.Name != "hello" || header.Mode != 0o755 || header.Uid != 0 || header.Gid != 0 {
		t.Errorf("the file is %s, mode %o, of %d:%d; want hello, 755, of 0:0", header.Name, header.Mode, header.Uid, header.Gid)
	}
	checkProgram(t, file, map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[architecture])
}

func checkAnnotations(t *testing.T, where string, got map[string]string) {
	t.Helper()
	if v := got["org.opencontainers.image.version"]; v != "v1.2.3" {
		t.Errorf("%s says version %q, want v1.2.3", where, v)
	}
	for _, key := range []string{"title", "description", "created", "source", "licenses", "revision"} {
		if got["org.opencontainers.image."+key] == "" {
			t.Errorf("%s has no org.opencontainers.image.%s", where, key)
		}
	}
}

// checkProgram: nothing but the kernel is needed to start it.
func checkProgram(t *testing.T, file string, machine elf.Machine) {
	t.Helper()
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine != machine {
		t.Errorf("the program is for %v, want %v", program.Machine, machine)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Errorf("the program is not static: it has a segment %v", segment.Type)
		}
	}
}

// sameAsTar: the tar holds the very image of the index.
func sameAsTar(t *testing.T, img v1.Image, file string) {
	t.Helper()
	packed, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	// The digest of the configuration is what container engines call the image's ID.
	if got, err := packed.ConfigName(); err != nil || got != want {
		t.Errorf("the image in the tar is %v (%v), want %v", got, err, want)
	}
}

// checkBill: the bill names Go itself, and a module of which the program is made.
func checkBill(t *testing.T, file, module string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"pkg:golang/std@1.", module} {
		found := slices.ContainsFunc(*bom.Components, func(c cdx.Component) bool { return strings.HasPrefix(c.PackageURL, prefix) })
		if !found {
			t.Errorf("%s does not name %s", file, prefix)
		}
	}
	if bom.Metadata.Component.Version == "" || len(*bom.Metadata.Component.Hashes) != 1 {
		t.Errorf("%s does not say which program it is of: %+v", file, bom.Metadata.Component)
	}
}

// TestReproducible builds the product from two copies of the sources, elsewhere
// and with other settings of Go's the second time: every byte is the same. That it
// runs, and says which version it is, is seen on the way.
func TestReproducible(t *testing.T) {
	c, err := sources(t.Context(), root, "")
	if err != nil {
		t.Fatal(err)
	}
	here := product(t, root, "v1.2.3")
	t.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(c.time.Unix(), 10))
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOFLAGS", "-tags=other")
	there := product(t, elsewhere(t), "v1.2.3")
	got, want := contents(t, there), contents(t, here)
	if len(want) < 6 {
		t.Errorf("only %d files were written", len(want))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs", name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is only in the second", name)
		}
	}
	saysVersion(t, filepath.Join(here, "rolecall-linux-"+runtime.GOARCH+".tar"))
}

func saysVersion(t *testing.T, image string) {
	t.Helper()
	img, err := tarball.ImageFromPath(image, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := onlyFile(t, img)
	out, err := exec.CommandContext(t.Context(), file, "version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "v1.2.3") {
		t.Errorf("rolecall version: %v\n%s", err, out)
	}
}

// TestRefusals: what is wrong is named.
func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"nowhere to write":               {args: []string{"-version", "v1"}, want: "-out is missing"},
		"a platform of no use":           {args: []string{"-out", "x", "-platforms", "linux/amd64,windows/amd64"}, want: `"windows/amd64"`},
		"a version that cannot be a tag": {args: []string{"-out", "x", "-version", "v1+dirty"}, want: `"v1+dirty"`},
		"an argument":                    {args: []string{"-out", "x", "./cmd/rolecall"}, want: `"./cmd/rolecall"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := command(t.Context(), tt.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want it to say %s", err, tt.want)
			}
		})
	}
}

// TestNothingHalf: a build that fails leaves what was there.
func TestNothingHalf(t *testing.T) {
	out := filepath.Join(t.TempDir(), "image")
	run(t, "-package", "./testdata/hello", "-platforms", "linux/amd64", "-out", out)
	want := contents(t, out)
	err := command(t.Context(), []string{"-package", "./testdata/none", "-platforms", "linux/amd64", "-out", out}, io.Discard)
	if err == nil {
		t.Fatal("a package that is not there was built")
	}
	if got := contents(t, out); len(got) != len(want) {
		t.Errorf("%d files are left of %d", len(got), len(want))
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(out), ".image-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
