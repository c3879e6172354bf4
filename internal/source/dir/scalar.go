// SPDX-License-Identifier: Apache-2.0

package dir

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// inside returns where in the file a place in the text of a scalar stands. Both
// count lines and characters from 1. To know it, the scalar is read again from
// its source, keeping for each character where it came from. If that does not
// give the text that the YAML library has read, the beginning of the scalar must
// do.
func (d *document) inside(n *yaml.Node, line, column int) Position {
	n = follow(n)
	if n.Kind != yaml.ScalarNode {
		return d.at(n)
	}
	for _, s := range d.readings(n) {
		if string(s.text) == n.Value {
			at := s.from[s.offset(line, column)]
			return d.position(at.line+1, at.column+1)
		}
	}
	return d.at(n)
}

// spot is a place in the lines of a document, counted from 0.
type spot struct{ line, column int }

// scalar is a text with the spot of each of its characters, and at the end the
// spot behind the last one.
type scalar struct {
	text []rune
	from []spot
}

func (s *scalar) add(r rune, at spot) {
	s.text = append(s.text, r)
	s.from = append(s.from, at)
}

// cut ends the scalar after n characters.
func (s *scalar) cut(n int) {
	if n < len(s.text) {
		s.text = s.text[:n]
		s.from = s.from[:n+1]
	}
}

// offset finds a line and a column; behind the end of a line it is its end.
func (s *scalar) offset(line, column int) int {
	i := 0
	for ; line > 1 && i < len(s.text); i++ {
		if s.text[i] == '\n' {
			line--
		}
	}
	for ; column > 1 && i < len(s.text) && s.text[i] != '\n'; i++ {
		column--
	}
	return i
}

// readings returns the ways in which the scalar may be read.
func (d *document) readings(n *yaml.Node) []*scalar {
	start, ok := d.start(n)
	if !ok {
		return nil
	}
	length := len([]rune(n.Value))
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blocks(start, n.Style&yaml.LiteralStyle != 0, length)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return []*scalar{d.flow(spot{start.line, start.column + 1}, '"', length)}
	case n.Style&yaml.SingleQuotedStyle != 0:
		return []*scalar{d.flow(spot{start.line, start.column + 1}, '\'', length)}
	}
	return []*scalar{d.flow(start, 0, length)}
}

// start returns where a scalar begins, behind its anchor and its tag.
func (d *document) start(n *yaml.Node) (spot, bool) {
	at := spot{n.Line - 1, n.Column - 1}
	if at.line < 0 || at.line >= len(d.lines) {
		return at, false
	}
	line := []rune(d.lines[at.line])
	for at.column < len(line) && (line[at.column] == '&' || line[at.column] == '!') {
		for at.column < len(line) && !isBlank(line[at.column]) {
			at.column++
		}
		for at.column < len(line) && isBlank(line[at.column]) {
			at.column++
		}
	}
	return at, at.column < len(line)
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// blocks reads a block scalar. Its indentation is that of its first line, unless
// its header says another one, which is relative to what is around it; then all
// are tried.
func (d *document) blocks(header spot, literal bool, length int) []*scalar {
	first := header.line + 1
	for first < len(d.lines) && strings.TrimLeft(d.lines[first], " ") == "" {
		first++
	}
	if first == len(d.lines) {
		return nil
	}
	widest := len(d.lines[first]) - len(strings.TrimLeft(d.lines[first], " "))
	var out []*scalar
	for indent := widest; indent > 0; indent-- {
		out = append(out, d.block(header.line+1, indent, literal, length))
	}
	return out
}

// block reads a block scalar with a known indentation (YAML 1.2.2, section 8.1).
// Line breaks wait until it is known what follows them: a folded one becomes a
// blank between two lines that begin with neither.
func (d *document) block(line, indent int, literal bool, length int) *scalar {
	s := &scalar{}
	var breaks []spot // after the last line with text, the one of that line first
	text, wasIndented := false, false
	for ; line < len(d.lines) && len(s.text) < length; line++ {
		full := []rune(d.lines[line])
		if len(full) <= indent && strings.TrimLeft(d.lines[line], " ") == "" {
			breaks = append(breaks, spot{line, len(full)})
			continue
		}
		if strings.TrimLeft(string(full[:min(indent, len(full))]), " ") != "" {
			break
		}
		isIndented := isBlank(full[indent])
		if text && !literal && !wasIndented && !isIndented {
			breaks = s.fold(breaks)
		}
		s.breaks(breaks)
		for i := indent; i < len(full); i++ {
			s.add(full[i], spot{line, i})
		}
		breaks, text, wasIndented = []spot{{line, len(full)}}, true, isIndented
	}
	s.breaks(breaks)
	s.from = append(s.from, spot{line, 0})
	s.cut(length)
	return s
}

// fold makes the first of the breaks a blank if it is the only one, and nothing
// otherwise; it returns the others.
func (s *scalar) fold(breaks []spot) []spot {
	if len(breaks) == 1 {
		s.add(' ', breaks[0])
	}
	return breaks[1:]
}

func (s *scalar) breaks(at []spot) {
	for _, b := range at {
		s.add('\n', b)
	}
}

// flow reads a quoted or a plain scalar, whose lines are folded (YAML 1.2.2,
// section 7.3). A plain one ends when it is long enough.
func (d *document) flow(at spot, quote rune, length int) *scalar {
	s := &scalar{}
	line := []rune(d.lines[at.line])
	solid := 0 // how much of the text no folding can take away
	for len(s.text) < length || solid < length {
		if at.column >= len(line) {
			s.cutBlanks(solid)
			if at = s.nextLine(d, at); at.line >= len(d.lines) {
				break
			}
			line, solid = []rune(d.lines[at.line]), len(s.text)
			continue
		}
		r, width := character(line[at.column:], quote)
		if width == 0 { // an escaped line break
			if at = d.skipBlanks(spot{at.line + 1, 0}); at.line >= len(d.lines) {
				break
			}
			line, solid = []rune(d.lines[at.line]), len(s.text)
			continue
		}
		s.add(r, at)
		at.column += width
		if width > 1 || !isBlank(r) {
			solid = len(s.text)
		}
		if len(s.text) >= length {
			break
		}
	}
	s.from = append(s.from, at)
	s.cut(length)
	return s
}

// cutBlanks takes away the blanks at the end of a line.
func (s *scalar) cutBlanks(solid int) {
	s.text, s.from = s.text[:solid], s.from[:solid]
}

// nextLine folds the line breaks at a spot and returns the next one with text.
func (s *scalar) nextLine(d *document, at spot) spot {
	next := d.skipBlanks(spot{at.line + 1, 0})
	for empty := at.line + 1; empty < min(next.line, len(d.lines)); empty++ {
		s.add('\n', spot{empty, 0})
	}
	if next.line == at.line+1 {
		s.add(' ', at)
	}
	return next
}

// skipBlanks returns the first spot with text from here on; its line is behind
// the last one if there is none.
func (d *document) skipBlanks(at spot) spot {
	for ; at.line < len(d.lines); at.line++ {
		line := []rune(d.lines[at.line])
		for at.column = 0; at.column < len(line); at.column++ {
			if !isBlank(line[at.column]) {
				return at
			}
		}
	}
	return spot{at.line, 0}
}

// character reads one character of a flow scalar and says how wide its source
// is; 0 is an escaped line break.
func character(line []rune, quote rune) (r rune, width int) {
	switch {
	case quote == '\'' && line[0] == '\'' && len(line) > 1 && line[1] == '\'':
		return '\'', 2
	case quote == '"' && line[0] == '\\' && len(line) == 1:
		return 0, 0
	case quote == '"' && line[0] == '\\':
		return escape(line)
	}
	return line[0], 1
}

func escape(line []rune) (r rune, width int) {
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[line[1]]
	if digits > 0 && len(line) >= 2+digits {
		if n, err := strconv.ParseUint(string(line[2:2+digits]), 16, 32); err == nil {
			return rune(n), 2 + digits
		}
	}
	const names, values = "0abtnvfreN_LP", "\x00\a\b\t\n\v\f\r\x1b\u0085\u00a0\u2028\u2029"
	if i := strings.IndexRune(names, line[1]); i >= 0 {
		return []rune(values)[i], 2
	}
	return line[1], 2
}
