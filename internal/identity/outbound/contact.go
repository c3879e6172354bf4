// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"sync/atomic"

	"github.com/go-logr/logr"
)

// Contact logs how calls to a server go: the first failure of a row, and its end.
// It is safe for concurrent use.
type Contact struct {
	// Logger knows which server it is.
	Logger logr.Logger

	lost atomic.Bool
}

// Report takes the outcome of a call.
func (c *Contact) Report(err error) {
	switch {
	case err != nil && !c.lost.Swap(true):
		c.Logger.Info("out of reach; trying again", "cause", err.Error())
	case err == nil && c.lost.Swap(false):
		c.Logger.Info("within reach again")
	}
}
