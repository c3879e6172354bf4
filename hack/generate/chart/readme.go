// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
)

// introduction is what stands above the table.
//
//go:embed introduction.md
var introduction []byte

// longest is how many characters of a default are shown in the table.
const longest = 60

// readme returns the chart's README.
func readme(values []*value) []byte {
	var out bytes.Buffer
	fmt.Fprint(&out, "<!-- Generated from values.yaml by `make generate`. Do not edit. -->\n\n")
	out.Write(introduction)
	fmt.Fprint(&out, "\n| Value | Default | Meaning |\n| --- | --- | --- |\n")
	rows(&out, values)
	return out.Bytes()
}

func rows(out *bytes.Buffer, values []*value) {
	for _, v := range values {
		if len(v.fields) > 0 {
			rows(out, v.fields)
			continue
		}
		fallback := "see values.yaml"
		if text := v.json(); len(text) <= longest {
			fallback = "`" + text + "`"
		}
		meaning := v.description
		if len(v.markers.enum) > 0 {
			meaning += " One of `" + strings.Join(v.markers.enum, "`, `") + "`."
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", v.path, fallback, strings.ReplaceAll(meaning, "|", `\|`))
	}
}
