// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/devcluster"
)

func TestStateIsForOneAtATime(t *testing.T) {
	dir := t.TempDir()
	first := openState(t, dir)
	_, err := devcluster.OpenState(dir)
	if err == nil {
		t.Fatal("a folder in use was opened again")
	}
	for _, want := range []string{dir, "in use", strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if first.Dir() != dir {
		t.Errorf("dir = %s, want %s", first.Dir(), dir)
	}
}

func TestStateRefusesAFolderOfOtherThings(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := devcluster.OpenState(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("error = %v, want a refusal: the folder holds something else", err)
	}
}

func TestClearRemovesEverything(t *testing.T) {
	state := openState(t, filepath.Join(t.TempDir(), "new"))
	if err := state.Mark("samples"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(state.Path("etcd/member"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !state.Has("samples") || !state.Has("etcd") {
		t.Fatal("what was just left is not found")
	}
	if err := state.Clear(); err != nil {
		t.Fatal(err)
	}
	if state.Has("samples") || state.Has("etcd") {
		t.Error("something survived Clear")
	}
}

func TestTemporaryStateGoesAway(t *testing.T) {
	state, err := devcluster.OpenState("")
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(state.Dir()); !os.IsNotExist(err) {
		t.Errorf("stat after close: %v, want it gone", err)
	}
}
