// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"iter"
	"slices"
)

// Names is a persistent list of strings by number, for a great many: what a name
// shares with the beginning of the one before it is not stored again, so names
// that come in order cost little more than what sets them apart. The zero value
// is empty. It is immutable and safe for any number of readers.
type Names struct {
	chunks [][]string // of pages
}

const (
	pageNames  = 32  // names of a page
	chunkPages = 256 // pages of a chunk
)

// At returns the name with a number; it is empty if none was set.
func (n Names) At(number uint32) string {
	var room [64]byte
	return string(n.appendTo(room[:0], number))
}

// Is reports whether a number has a name. Unlike At, it allocates nothing unless
// names are long.
func (n Names) Is(number uint32, name string) bool {
	var room [256]byte
	return string(n.appendTo(room[:0], number)) == name
}

func (n Names) appendTo(name []byte, number uint32) []byte {
	page := n.page(number / pageNames)
	for range number%pageNames + 1 {
		name, page = cut(name, page)
	}
	return name
}

func (n Names) page(i uint32) string {
	c, at := int(i/chunkPages), int(i%chunkPages)
	if c >= len(n.chunks) || at >= len(n.chunks[c]) {
		return ""
	}
	return n.chunks[c][at]
}

// cut splits the first name off a page, and makes it of the one before; there
// are empty ones at the end.
func cut(before []byte, page string) (name []byte, rest string) {
	shared, page := number(page)
	length, page := number(page)
	return append(before[:shared], page[:length]...), page[length:]
}

// number reads a number as binary.PutUvarint writes it; nothing is 0.
func number(page string) (n int, rest string) {
	for i, shift := 0, 0; i < len(page); i, shift = i+1, shift+7 {
		n |= int(page[i]&0x7f) << shift
		if page[i] < 0x80 {
			return n, page[i+1:]
		}
	}
	return 0, ""
}

// NamesEdit is a batch of changes to a list. It is not safe for concurrent use.
type NamesEdit struct {
	base Names
	// pages are those that the batch has touched, taken apart.
	pages map[uint32]*[pageNames]string
}

// Edit begins a batch.
func (n Names) Edit() *NamesEdit {
	return &NamesEdit{base: n, pages: make(map[uint32]*[pageNames]string)}
}

// At returns a name as the batch has left it.
func (e *NamesEdit) At(number uint32) string {
	if p, ok := e.pages[number/pageNames]; ok {
		return p[number%pageNames]
	}
	return e.base.At(number)
}

// Is reports whether a number has a name, as the batch has left it.
func (e *NamesEdit) Is(number uint32, name string) bool {
	if p, ok := e.pages[number/pageNames]; ok {
		return p[number%pageNames] == name
	}
	return e.base.Is(number, name)
}

// All yields the names of the first n numbers, as the batch has left them, but for
// the empty ones. It takes a fraction of what as many calls of At do.
func (e *NamesEdit) All(n uint32) iter.Seq2[uint32, string] {
	return func(yield func(uint32, string) bool) {
		for first := uint32(0); first < n; first += pageNames {
			for i, name := range e.page(first / pageNames)[:min(n-first, pageNames)] {
				if name != "" && !yield(first+uint32(i), name) {
					return
				}
			}
		}
	}
}

// page returns a page taken apart, which is not to be changed.
func (e *NamesEdit) page(i uint32) *[pageNames]string {
	if p, ok := e.pages[i]; ok {
		return p
	}
	return e.base.takeApart(i)
}

func (n Names) takeApart(i uint32) *[pageNames]string {
	p, page := new([pageNames]string), n.page(i)
	var name []byte
	for at := range p {
		name, page = cut(name, page)
		p[at] = string(name)
	}
	return p
}

// Set gives a number a name, which the list copies when the batch ends. The
// empty name takes the number out.
func (e *NamesEdit) Set(number uint32, name string) {
	i := number / pageNames
	p, ok := e.pages[i]
	if !ok {
		p = e.base.takeApart(i)
		e.pages[i] = p
	}
	p[number%pageNames] = name
}

// Done ends the batch and returns the new list; the batch goes on from there.
func (e *NamesEdit) Done() Names {
	if len(e.pages) == 0 {
		return e.base
	}
	chunks := slices.Clone(e.base.chunks)
	room := roomFor(e.pages)
	for c, n := range room {
		if missing := int(c) + 1 - len(chunks); missing > 0 {
			chunks = append(chunks, make([][]string, missing)...)
		}
		chunks[c] = grown(chunks[c], n)
	}
	for i, p := range e.pages {
		chunks[i/chunkPages][i%chunkPages] = encodeNames(p)
	}
	clear(e.pages)
	e.base = Names{chunks: trimmed(chunks, room)}
	return e.base
}

// roomFor returns, of the chunks that change, how many pages each must have room
// for.
func roomFor(pages map[uint32]*[pageNames]string) map[uint32]int {
	room := make(map[uint32]int, 1)
	for i := range pages {
		c := i / chunkPages
		room[c] = max(room[c], int(i%chunkPages)+1)
	}
	return room
}

func grown(chunk []string, n int) []string {
	next := make([]string, max(n, len(chunk)))
	copy(next, chunk)
	return next
}

// trimmed drops the pages at the end of each changed chunk, and the chunks at the
// end, that have no name any more.
func trimmed(chunks [][]string, changed map[uint32]int) [][]string {
	for c := range changed {
		chunk := chunks[c]
		for len(chunk) > 0 && chunk[len(chunk)-1] == "" {
			chunk = chunk[:len(chunk)-1]
		}
		chunks[c] = slices.Clip(chunk)
	}
	for len(chunks) > 0 && len(chunks[len(chunks)-1]) == 0 {
		chunks = chunks[:len(chunks)-1]
	}
	return chunks
}

// encodeNames writes a page: of each name, how many bytes it shares with the one
// before, how many follow, and those. The empty ones at the end are left out.
func encodeNames(p *[pageNames]string) string {
	n := len(p)
	for n > 0 && p[n-1] == "" {
		n--
	}
	var page []byte
	before := ""
	for _, name := range p[:n] {
		shared := commonPrefix(before, name)
		page = binary.AppendUvarint(page, uint64(shared))
		page = binary.AppendUvarint(page, uint64(len(name)-shared))
		page = append(page, name[shared:]...)
		before = name
	}
	return string(page)
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
