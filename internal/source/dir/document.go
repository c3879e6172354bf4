// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/internal/diag"
)

// document is one YAML document of a file, or one JSON text.
type document struct {
	file string
	// above is how many lines of the file stand before the document.
	above int
	lines []string
	// root is what the document holds, for positions. Values come from value:
	// kubectl reads YAML with other rules for scalars than this library.
	root  *yaml.Node
	value any
}

// at returns the position of a node.
func (d *document) at(n *yaml.Node) Position {
	return d.position(n.Line, n.Column)
}

// position returns the place of a line and a column of the document. YAML knows
// more line breaks than editors do (a lone carriage return, U+2028), and places
// an end behind the last line; there the last line must do.
func (d *document) position(line, column int) Position {
	return Position{File: d.file, Line: d.above + min(max(line, 1), len(d.lines)), Column: max(column, 1)}
}

// parse reads the documents of a file. Those that cannot be read become faults.
func parse(f File) ([]*document, Faults) {
	text := strings.TrimPrefix(string(f.Text), "\ufeff")
	if strings.TrimSpace(text) == "" {
		return nil, Faults{unreadable(Position{File: f.Name},
			"the file is empty, as one is that is just being written: delete it, or write at least a comment")}
	}
	var docs []*document
	var faults Faults
	for _, d := range split(f.Name, text) {
		if fault := d.parse(); fault != nil {
			faults = append(faults, *fault)
		} else if d.value != nil {
			docs = append(docs, d)
		}
	}
	return docs, faults
}

func unreadable(at Position, message string) Fault {
	return Fault{Position: at, Severity: diag.Error, Reason: ReasonUnreadable, Message: message, Refused: true}
}

// split cuts a text at the marks between YAML documents. They stand at the
// beginning of a line and nothing that belongs to a document can look like one.
// Directives are dropped.
func split(file, text string) []*document {
	var docs []*document
	current := &document{file: file}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		begins, ends := isMark(line, "---"), isMark(line, "...")
		if begins || ends {
			docs = append(docs, current)
			current = &document{file: file, above: i}
			line = "   " + line[3:]
		}
		if strings.HasPrefix(line, "%") && current.blank() {
			line = ""
		}
		current.lines = append(current.lines, line)
	}
	docs = append(docs, current)
	return docs
}

func isMark(line, mark string) bool {
	rest, found := strings.CutPrefix(line, mark)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// blank reports whether the document holds nothing but blanks and comments.
func (d *document) blank() bool {
	for _, line := range d.lines {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// parse reads the document; a blank one has no value.
func (d *document) parse() *Fault {
	if d.blank() {
		return nil
	}
	text := []byte(strings.Join(d.lines, "\n") + "\n")
	isJSON := json.Valid(text)
	if err := d.parseValue(text, isJSON); err != nil {
		return d.syntax(err)
	}
	if isJSON {
		text = withoutJSONEscapes(text)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return d.syntax(err)
	}
	if len(n.Content) == 1 {
		d.root = n.Content[0]
		return nil
	}
	d.value = nil
	return nil
}

func (d *document) parseValue(text []byte, isJSON bool) error {
	if !isJSON {
		var err error
		if text, err = kyaml.YAMLToJSON(text); err != nil {
			return err
		}
	}
	return utiljson.Unmarshal(text, &d.value)
}

// escapes finds the escapes of JSON; two surrogates count as one.
var escapes = regexp.MustCompile(`(?i)\\u(?:d[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\.`)

// withoutJSONEscapes puts as many other characters in place of the escapes that
// the YAML library does not know, so that positions stay what they are.
func withoutJSONEscapes(text []byte) []byte {
	return escapes.ReplaceAllFunc(text, func(escape []byte) []byte {
		if len(escape) > 2 || escape[1] == '/' {
			return bytes.Repeat([]byte("_"), len(escape))
		}
		return escape
	})
}

// yamlLine finds where a YAML library says that it was.
var yamlLine = regexp.MustCompile(`\bline (\d+): `)

// syntax renders what a YAML library says, with the line in the file.
func (d *document) syntax(err error) *Fault {
	message, line := err.Error(), 1
	if m := yamlLine.FindStringSubmatchIndex(message); m != nil {
		if n, err := strconv.Atoi(message[m[2]:m[3]]); err == nil {
			line, message = n, message[m[1]:]
		}
	}
	message = strings.TrimPrefix(strings.TrimPrefix(message, "error converting YAML to JSON: "), "yaml: ")
	message = strings.Join(strings.Fields(message), " ")
	f := unreadable(d.position(line, 1), fmt.Sprintf("the document is not YAML: %s: correct the text here or in the lines above", message))
	return &f
}
