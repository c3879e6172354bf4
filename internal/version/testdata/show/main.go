// SPDX-License-Identifier: Apache-2.0

// Command show prints the version stamped into it, for the test of the stamp.
package main

import (
	"os"

	"github.com/rolecall/rolecall/internal/version"
)

func main() {
	os.Stdout.WriteString(version.String() + "\n")
}
