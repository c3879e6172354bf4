// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"testing"

	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

func TestMain(m *testing.M) { devclustertest.Main(m) }
