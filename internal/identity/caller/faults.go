// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"github.com/go-logr/logr"
)

// faults are those of files, as people were told of them. It is used by one
// goroutine at a time.
type faults map[string]string

// tell says what is new.
func (f *faults) tell(log logr.Logger, now map[string]error) {
	told := *f
	*f = make(faults, len(now))
	for path, err := range now {
		(*f)[path] = err.Error()
		if told[path] != err.Error() {
			log.Error(err, "a file of callers cannot be used: nobody is let in by it until it is good again")
		}
	}
	for path := range told {
		if now[path] == nil {
			log.Info("a file of callers is good again", "file", path)
		}
	}
}
