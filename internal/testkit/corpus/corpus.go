// SPDX-License-Identifier: Apache-2.0

// Package corpus is the cases that pin down what a policy decides: for every
// sentence about the objects and the decision, for every reason, and for faults
// that other systems have had. The same cases go to everything that claims to
// decide, or to report faults, as Rolecall does. Tests only.
//
// A case is a txtar archive in testdata. Its comment says in sentences what it
// is about; lines that begin with `bug:` name the fault of another system that
// it would catch. A line that begins with `unstorable:` says why an API server
// could not hold these objects as they are, one with `invalid:` why it would
// refuse them, and one with `undecided:` why the oracle cannot decide. The files:
//
//	objects.yaml     the objects; apiVersion may be left out
//	checks.yaml      a list of requests and answers, see testkit.ParseChecks
//	conditions.yaml  what is wrong with the objects, see testkit.Conditions; an
//	                 object that is not there has no fault
package corpus

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/testkit"
)

//go:embed testdata/*.txtar
var files embed.FS

// Case is one policy and what it must say.
type Case struct {
	// Name is that of the file, or of the sample.
	Name string
	// About is the sentences.
	About   string
	Objects []testkit.Object
	testkit.Expectations
	// Unstorable says that the objects hold what an API server would set itself
	// or refuse, so that they cannot come from one as they are.
	Unstorable bool
	// Undecided says that the oracle cannot decide the case.
	Undecided bool
}

// Load returns all cases of the corpus, sorted by name. They are the caller's.
func Load() ([]Case, error) {
	names, err := fs.Glob(files, "testdata/*.txtar")
	if err != nil {
		return nil, err
	}
	cases := make([]Case, 0, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		c, err := parse(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		c.Name = strings.TrimSuffix(path.Base(name), ".txtar")
		cases = append(cases, c)
	}
	return cases, nil
}

func parse(text []byte) (Case, error) {
	archive := txtar.Parse(text)
	c := Case{About: string(archive.Comment)}
	invalid := hasLine(c.About, "invalid:")
	c.Unstorable = invalid || hasLine(c.About, "unstorable:")
	c.Undecided = invalid || hasLine(c.About, "undecided:")
	for _, file := range archive.Files {
		if err := c.read(file); err != nil {
			return c, fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return c, c.Covers(c.Objects)
}

func hasLine(text, begin string) bool {
	return slices.ContainsFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, begin) })
}

// Deleting says that one of the objects is being deleted.
func (c *Case) Deleting() bool {
	return slices.ContainsFunc(c.Objects, func(o testkit.Object) bool { return o.GetDeletionTimestamp() != nil })
}

func (c *Case) read(file txtar.File) (err error) {
	switch file.Name {
	case "objects.yaml":
		c.Objects, err = testkit.Objects(file.Data)
	case "checks.yaml":
		c.Checks, err = testkit.ParseChecks(file.Data)
	case "conditions.yaml":
		err = yaml.UnmarshalStrict(file.Data, &c.Conditions)
	default:
		err = fmt.Errorf("a case has no such file")
	}
	return err
}

// Samples returns the samples that an API server accepts, as cases.
func Samples() ([]Case, error) {
	var cases []Case
	for _, name := range []string{
		samples.StytchQuickstart, samples.CerbosContacts, samples.CerbosFastAPI, samples.YorAuthPosts,
		samples.DocumentsGateway, samples.KubernetesWebhook, samples.Broken,
	} {
		c, err := Sample(name)
		if err != nil {
			return nil, fmt.Errorf("read sample %s: %w", name, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Sample returns one sample as a case.
func Sample(name string) (Case, error) {
	c := Case{Name: name, About: "the sample " + name}
	text, err := samples.Checks(name)
	if err != nil {
		return c, err
	}
	if c.Expectations, err = testkit.ParseExpectations(text); err != nil {
		return c, err
	}
	if c.Objects, err = manifests(name); err != nil {
		return c, err
	}
	return c, c.Covers(c.Objects)
}

func manifests(name string) ([]testkit.Object, error) {
	documents, err := Documents(name)
	if err != nil {
		return nil, err
	}
	var objects []testkit.Object
	for _, document := range documents {
		more, err := testkit.Objects(document)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

// Documents returns the YAML documents of a sample as they are written, in the
// order of the files.
func Documents(name string) ([][]byte, error) {
	folder, err := samples.Manifests(name)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	var documents [][]byte
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			documents = append(documents, []byte(document))
		}
	}
	return documents, nil
}
