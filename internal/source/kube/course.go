// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// credibleAfter is how long a server must keep listing what is older than what
// was seen before, until it is believed.
const credibleAfter = time.Minute

// course knows how far the objects of a partition have come, by their resource
// versions, which grow with every change. What is older is not taken for news: a
// server that is behind the others, or that has lost touch with its storage, would
// bring back what was revoked. But a storage that was restored from a backup is
// older for good. No reflector's goroutine but one uses it.
type course struct {
	// newest is the newest version that was heard of; empty before the first list.
	newest string
	// refused is when the first of the lists in a row came that were older; zero
	// if the last list was not.
	refused time.Time
}

// follows takes note of what a watch has said, unless it is older than what was
// seen before; then it returns false.
func (c *course) follows(version string) bool {
	if c.older(version) {
		return false
	}
	c.newest = version
	return true
}

// believes is follows for a list, which is believed at last also if it is older.
func (c *course) believes(version string, now time.Time) bool {
	if c.older(version) {
		if c.refused.IsZero() {
			c.refused = now
		}
		if now.Sub(c.refused) < credibleAfter {
			return false
		}
	}
	c.newest, c.refused = version, time.Time{}
	return true
}

// older reports whether a version is older than the newest. Versions that are no
// numbers, which API servers do not make, have no order.
func (c *course) older(version string) bool {
	order, err := resourceversion.CompareResourceVersion(version, c.newest)
	return err == nil && order < 0
}
