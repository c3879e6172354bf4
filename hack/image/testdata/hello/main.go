// SPDX-License-Identifier: Apache-2.0

// Command hello is a small program to make images of.
package main

import (
	"fmt"

	purl "github.com/package-url/packageurl-go"
)

func main() { fmt.Println("hello from", purl.TypeGolang) }
