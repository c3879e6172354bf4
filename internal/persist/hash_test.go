// SPDX-License-Identifier: Apache-2.0

package persist

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"
	"testing"
)

// TestHashSpreads: names that differ little must differ in every bit with an even
// chance, at both ends of the hash, or pages and buckets fill unevenly.
func TestHashSpreads(t *testing.T) {
	for _, form := range []string{"%d", "u%d", "user-%07d", "user-%d-and-a-long-tail-behind-it", "%[1]d/%[1]d/%[1]d/%[1]d/%[1]d"} {
		const names = 20_000
		var top, low [256]int
		var flips [64]int
		seen := map[uint64]bool{}
		before := Hash(fmt.Sprintf(form, 0))
		for i := 1; i <= names; i++ {
			h := Hash(fmt.Sprintf(form, i))
			top[h>>56]++
			low[h&255]++
			seen[h] = true
			for b := range flips {
				flips[b] += int((h ^ before) >> b & 1)
			}
			before = h
		}
		if len(seen) != names {
			t.Errorf("%s: %d of %d names have a hash of their own", form, len(seen), names)
		}
		for b := range 256 {
			// 78 expected; 10 standard deviations.
			if top[b] > 170 || low[b] > 170 {
				t.Errorf("%s: %d names begin and %d end with the byte %#x, want about 78", form, top[b], low[b], b)
			}
		}
		for b, n := range flips {
			if n < names*45/100 || n > names*55/100 {
				t.Errorf("%s: bit %d flips %d times in %d", form, b, n, names)
			}
		}
	}
}

// TestHashReadsEveryByte of every length.
func TestHashReadsEveryByte(t *testing.T) {
	for n := range 100 {
		text := strings.Repeat("a", n)
		whole := Hash(text)
		if n > 0 && Hash(text[1:]) == whole {
			t.Errorf("a text of %d bytes has the hash of one byte less", n)
		}
		for i := range n {
			if Hash(text[:i]+"b"+text[i+1:]) == whole {
				t.Errorf("byte %d of %d makes no difference", i, n)
			}
		}
	}
}

// TestGistSaysEverything of strings up to its length, and tells longer ones from them.
func TestGistSaysEverything(t *testing.T) {
	seen := map[Gist]string{}
	for n := range 3 * GistLen {
		zeros := strings.Repeat("\x00", n)
		texts := []string{zeros}
		for i := range n {
			for _, c := range []string{"\x01", "\x0f", "a", "\xff"} {
				texts = append(texts, zeros[:i]+c+zeros[i+1:])
			}
		}
		for _, text := range texts {
			if other, ok := seen[GistOf(text)]; ok {
				t.Errorf("%q and %q have one gist", text, other)
			}
			if n <= GistLen {
				seen[GistOf(text)] = text
			}
		}
	}
}

func TestHashNumberSpreads(t *testing.T) {
	ones := 0
	for n := range uint32(10_000) {
		ones += bits.OnesCount64(HashNumber(n) ^ HashNumber(n+1))
	}
	if mean := float64(ones) / 10_000; mean < 30 || mean > 34 {
		t.Errorf("a step flips %.1f bits, want about 32", mean)
	}
}

func BenchmarkHash(b *testing.B) {
	seed := maphash.MakeSeed()
	for _, n := range []int{5, 12, 40} {
		text := strings.Repeat("x", n)
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			for b.Loop() {
				Hash(text)
			}
		})
		b.Run(fmt.Sprintf("maphash/%d", n), func(b *testing.B) {
			for b.Loop() {
				maphash.String(seed, text)
			}
		})
	}
}
