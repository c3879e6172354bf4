// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Names is a persistent list of strings by number, for a great many short ones:
// they cost about a byte each beyond their own length. The zero value is empty.
// It is immutable and safe for any number of readers.
type Names struct {
	chunks [][]string // of pages
}

const (
	pageNames  = 32  // names of a page
	chunkPages = 256 // pages of a chunk
)

// At returns the name with a number; it is empty if none was set.
func (n Names) At(number uint32) string {
	page := n.page(number / pageNames)
	for range number % pageNames {
		_, page = cut(page)
	}
	name, _ := cut(page)
	return name
}

func (n Names) page(i uint32) string {
	c, at := int(i/chunkPages), int(i%chunkPages)
	if c >= len(n.chunks) || at >= len(n.chunks[c]) {
		return ""
	}
	return n.chunks[c][at]
}

// cut splits the first name off a page; there are empty ones at its end.
func cut(page string) (name, rest string) {
	length, shift, i := 0, 0, 0
	for ; i < len(page); i++ {
		length |= int(page[i]&0x7f) << shift
		shift += 7
		if page[i] < 0x80 {
			i++
			break
		}
	}
	return page[i : i+length], page[i+length:]
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

// Set gives a number a name, which the list copies when the batch ends. The
// empty name takes the number out.
func (e *NamesEdit) Set(number uint32, name string) {
	i := number / pageNames
	p, ok := e.pages[i]
	if !ok {
		p = new([pageNames]string)
		page := e.base.page(i)
		for at := range p {
			p[at], page = cut(page)
		}
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
	copied := make(map[uint32]bool, 1)
	for i, p := range e.pages {
		c := i / chunkPages
		if missing := int(c) + 1 - len(chunks); missing > 0 {
			chunks = append(chunks, make([][]string, missing)...)
		}
		if !copied[c] {
			chunks[c] = grown(chunks[c], pagesOf(e.pages, c))
			copied[c] = true
		}
		chunks[c][i%chunkPages] = encodeNames(p)
	}
	clear(e.pages)
	e.base = Names{chunks: trimmed(chunks, copied)}
	return e.base
}

// pagesOf returns how many pages a chunk must have room for.
func pagesOf(pages map[uint32]*[pageNames]string, chunk uint32) int {
	n := 0
	for i := range pages {
		if i/chunkPages == chunk {
			n = max(n, int(i%chunkPages)+1)
		}
	}
	return n
}

func grown(chunk []string, n int) []string {
	next := make([]string, max(n, len(chunk)))
	copy(next, chunk)
	return next
}

// trimmed drops the pages at the end of each changed chunk, and the chunks at the
// end, that have no name any more.
func trimmed(chunks [][]string, changed map[uint32]bool) [][]string {
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

// encodeNames writes a page: each name after its length, without the empty ones
// at the end.
func encodeNames(p *[pageNames]string) string {
	n, size := len(p), 0
	for n > 0 && p[n-1] == "" {
		n--
	}
	for _, name := range p[:n] {
		size += len(name) + lengthSize(len(name))
	}
	var b strings.Builder
	b.Grow(size)
	var length [binary.MaxVarintLen64]byte
	for _, name := range p[:n] {
		b.Write(length[:binary.PutUvarint(length[:], uint64(len(name)))])
		b.WriteString(name)
	}
	return b.String()
}

func lengthSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
