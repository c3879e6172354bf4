// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Manifest is one object of a file.
type Manifest struct {
	// Where says where it stands, for messages: the file and, where the file
	// has several documents, which one.
	Where string
	// Object is what stands there.
	Object *unstructured.Unstructured
}

// ReadManifests reads the objects of all .yaml, .yml and .json files in fsys
// and the folders below it, in the order of their paths. Kustomizations and
// empty documents are passed over. The error joins those of all documents.
func ReadManifests(fsys fs.FS) ([]Manifest, error) {
	files, err := manifestFiles(fsys)
	if err != nil {
		return nil, err
	}
	var out []Manifest
	var faults []error
	for _, name := range files {
		found, err := readFile(fsys, name)
		out = append(out, found...)
		faults = append(faults, err)
	}
	return out, errors.Join(faults...)
}

func manifestFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && isManifest(name) {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list manifests: %w", err)
	}
	return files, nil
}

func isManifest(name string) bool {
	ext := path.Ext(name)
	if !slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
		return false
	}
	return !strings.EqualFold(strings.TrimSuffix(path.Base(name), ext), "kustomization")
}

func readFile(fsys fs.FS, name string) ([]Manifest, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	documents, err := split(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var out []Manifest
	var faults []error
	for i, document := range documents {
		where := name
		if len(documents) > 1 {
			where = fmt.Sprintf("%s, document %d", name, i+1)
		}
		obj, err := decode(document)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", where, err))
			continue
		}
		out = append(out, Manifest{Where: where, Object: obj})
	}
	return out, errors.Join(faults...)
}

// split returns the documents that hold more than comments.
func split(text []byte) ([][]byte, error) {
	var out [][]byte
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("split into documents: %w", err)
		}
		if !blank(document) {
			out = append(out, document)
		}
	}
}

func blank(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

// decode is strict: of a key that is given twice, only one would count.
func decode(document []byte) (*unstructured.Unstructured, error) {
	serializer := json.NewSerializerWithOptions(json.DefaultMetaFactory,
		unstructuredscheme.NewUnstructuredCreator(), unstructuredscheme.NewUnstructuredObjectTyper(),
		json.SerializerOptions{Yaml: true, Strict: true})
	obj, _, err := serializer.Decode(document, nil, nil)
	if runtime.IsMissingKind(err) {
		return nil, errors.New("kind: required, such as Role")
	}
	if runtime.IsMissingVersion(err) {
		return nil, errors.New("apiVersion: required, such as rolecall.dev/v1alpha1")
	}
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("kind: %s is a list: give each object a document of its own", obj.GetObjectKind().GroupVersionKind().Kind)
	}
	if u.GetName() == "" {
		return nil, fmt.Errorf("metadata.name: required, this %s has none", u.GetKind())
	}
	return u, nil
}
