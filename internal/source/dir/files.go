// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is a file that has been read.
type File struct {
	Name string
	Text []byte
}

// Read reads a file, whatever its name, or the manifests of a folder, sorted by
// name. The names of the files begin with path.
func Read(path string) ([]File, error) {
	tree, err := walk(path)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(tree.files))
	for _, name := range tree.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read manifests: %w", err)
		}
		files = append(files, File{Name: name, Text: text})
	}
	return files, nil
}

// tree is what makes up a folder of manifests.
type tree struct {
	// files are the manifests.
	files []string
	// folders are all the folders where a change can change what is read; those
	// behind symbolic links by their real path.
	folders []string
}

// errLoop says that a symbolic link leads back to a folder above it.
var errLoop = errors.New("the symbolic link leads back to a folder that it is in: remove it")

// walk lists a folder, or the one file that path is.
func walk(path string) (*tree, error) {
	t := &tree{}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	if !info.IsDir() {
		t.files = []string{path}
		return t, nil
	}
	if err := t.folder(path, nil); err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	slices.Sort(t.folders)
	t.folders = slices.Compact(t.folders)
	return t, nil
}

// folder lists one folder; above are the real paths of those it is in.
func (t *tree) folder(path string, above []string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if slices.Contains(above, target) {
		return fmt.Errorf("%s: %w", path, errLoop)
	}
	t.folders = append(t.folders, target)
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := t.entry(filepath.Join(path, e.Name()), e, append(above, target)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) entry(path string, e os.DirEntry, above []string) error {
	link := e.Type()&os.ModeSymlink != 0
	isDir := e.IsDir()
	if link {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		isDir = info.IsDir()
	}
	switch {
	case isDir:
		return t.folder(path, slices.Clip(above))
	case !isManifest(path):
		return nil
	case link:
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			return err
		}
		t.folders = append(t.folders, filepath.Dir(target))
	}
	t.files = append(t.files, path)
	return nil
}

// isManifest reports whether a file in a folder is read. A kustomization is a
// recipe for manifests; it often says neither apiVersion nor kind.
func isManifest(path string) bool {
	switch filepath.Base(path) {
	case "kustomization.yaml", "kustomization.yml":
		return false
	}
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}
