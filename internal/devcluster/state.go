// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
)

// lockName is both the lock of a state folder and the mark by which one is
// recognized.
const lockName = "rolecall-dev.lock"

// State is a folder that holds what survives a restart: etcd's data, the
// serving certificate, the token, the kubeconfig and the log. It is locked for
// as long as it is open. It is not safe for concurrent use.
type State struct {
	dir       string
	temporary bool
	lock      *fileutil.LockedFile
}

// OpenState makes the folder if it does not exist, and locks it. An empty dir
// means a temporary folder that Close removes. It refuses a folder in use by
// another process, and one that holds other things: Clear would delete them.
func OpenState(dir string) (*State, error) {
	if dir == "" {
		return openTemporary()
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	if err := checkOwn(abs); err != nil {
		return nil, err
	}
	return lockState(abs, false)
}

func openTemporary() (*State, error) {
	dir, err := os.MkdirTemp("", "rolecall-dev-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary state folder: %w", err)
	}
	return lockState(dir, true)
}

// checkOwn accepts an empty folder and one that has the mark.
func checkOwn(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the state folder: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return fmt.Errorf("folder %s is not empty and is no state folder of rolecall-dev: name a new or an empty folder", dir)
	}
	return nil
}

func lockState(dir string, temporary bool) (*State, error) {
	path := filepath.Join(dir, lockName)
	lock, err := fileutil.TryLockFile(path, os.O_RDWR|os.O_CREATE, fileutil.PrivateFileMode)
	if errors.Is(err, fileutil.ErrLocked) {
		return nil, fmt.Errorf("state folder %s is in use by another rolecall-dev%s: stop that one, or name another folder", dir, holder(path))
	}
	if err != nil {
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	s := &State{dir: dir, temporary: temporary, lock: lock}
	if err := s.sign(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sign writes the process id, so that whoever finds the folder locked learns
// whom to stop.
func (s *State) sign() error {
	if err := s.lock.Truncate(0); err != nil {
		return fmt.Errorf("write the state folder's lock: %w", err)
	}
	if _, err := fmt.Fprintf(s.lock, "%d\n", os.Getpid()); err != nil {
		return fmt.Errorf("write the state folder's lock: %w", err)
	}
	return nil
}

func holder(lockPath string) string {
	pid, err := os.ReadFile(lockPath)
	if err != nil || len(pid) == 0 {
		return ""
	}
	return " (process " + strings.TrimSpace(string(pid)) + ")"
}

// Dir is the folder's absolute path.
func (s *State) Dir() string { return s.dir }

// Path is the absolute path of a file or folder inside.
func (s *State) Path(name string) string { return filepath.Join(s.dir, name) }

// Has reports whether a mark was left by an earlier run.
func (s *State) Has(mark string) bool {
	_, err := os.Stat(s.Path(mark))
	return err == nil
}

// Mark leaves a mark for later runs to find; Clear removes it.
func (s *State) Mark(mark string) error {
	if err := os.WriteFile(s.Path(mark), nil, 0o600); err != nil {
		return fmt.Errorf("write the state folder: %w", err)
	}
	return nil
}

// Clear removes everything but the lock. It must not be called while a cluster
// runs in the folder.
func (s *State) Clear() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("clear the state folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(s.Path(e.Name())); err != nil {
			return fmt.Errorf("clear the state folder: %w", err)
		}
	}
	return nil
}

// Close unlocks the folder, and removes it if it was temporary.
func (s *State) Close() error {
	err := s.lock.Close()
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	if err != nil {
		return fmt.Errorf("close the state folder: %w", err)
	}
	return nil
}
