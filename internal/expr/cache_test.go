// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// The conditions of objects that are gone must not stay in memory.
func TestProgramsThatNobodyUsesAreForgotten(t *testing.T) {
	env, err := NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := env.Compile(`subject.id == "kept"`)
	for i := range 100 {
		env.Compile(fmt.Sprintf(`subject.id == "user-%d"`, i))
	}
	deadline := time.Now().Add(time.Minute)
	for env.size() > 1 && time.Now().Before(deadline) {
		runtime.GC()
	}
	if n := env.size(); n != 1 {
		t.Errorf("%d programs are remembered, want the one in use", n)
	}
	if again, _ := env.Compile(`subject.id == "kept"`); again != kept {
		t.Error("the program in use was forgotten")
	}
}

func (e *Env) size() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.programs)
}
