// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long nothing must happen after a change before the folder is
// read: one save makes several events, microseconds to milliseconds apart. It is
// also the time that a file may be empty while it is being written.
const quiet = 25 * time.Millisecond

// patience is how many times quiet is waited for at most, for a folder where
// something happens all the time.
const patience = 20

// watch sees the changes of a folder from when it is made. It is used once: what
// there is to watch may be different after a change. The zero watch sees nothing.
type watch struct {
	notify *fsnotify.Watcher
	path   string
	parent string
	// whole are the folders where every manifest counts; in the parent only the
	// folder's own name does.
	whole []string
}

// newWatch watches all that a load of the folder reads, and the folder's own
// name, which may be a symbolic link that is turned to another folder.
func newWatch(path string) (*watch, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("watch manifests: %w", err)
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch manifests: %w", err)
	}
	w := &watch{notify: notify, path: abs, parent: filepath.Dir(abs)}
	if err := w.addAll(); err != nil {
		w.close()
		return nil, fmt.Errorf("watch manifests: %w", err)
	}
	return w, nil
}

func (w *watch) addAll() error {
	// Who may read the folder need not be allowed to read what it is in.
	if err := w.notify.Add(w.parent); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	tree, err := walk(w.path)
	if err != nil {
		return err
	}
	w.whole = tree.folders
	for _, folder := range tree.folders {
		if err := w.notify.Add(folder); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

func (w *watch) close() {
	if w.notify != nil {
		// There is nothing to do about a watch that does not close.
		_ = w.notify.Close()
	}
}

// relevant reports whether an event can change what a load reads. What is gone
// may have been a folder; what is there and an ordinary file must be a manifest.
func (w *watch) relevant(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if e.Name == w.path {
		return true
	}
	if !slices.Contains(w.whole, filepath.Dir(e.Name)) && !slices.Contains(w.whole, e.Name) {
		return false
	}
	info, err := os.Lstat(e.Name)
	return err != nil || !info.Mode().IsRegular() || isManifest(e.Name)
}

// settle waits until nothing has happened for a while.
func (w *watch) settle(ctx context.Context) {
	for range patience {
		if !w.busy(ctx) {
			return
		}
	}
}

// busy reports whether something happens within a while.
func (w *watch) busy(ctx context.Context) bool {
	over, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	for happened := false; ; happened = true {
		select {
		case <-over.Done():
			return happened
		case <-w.notify.Events:
		case err := <-w.notify.Errors:
			if err == nil { // closed
				return happened
			}
		}
	}
}
