// SPDX-License-Identifier: Apache-2.0

package ijson

import "unicode/utf8"

// AppendText appends s as a JSON string to b, spelled as short as JSON allows.
// Bytes that are no UTF-8 become the replacement character.
func AppendText(b []byte, s string) []byte {
	b = append(b, '"')
	written := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		b = append(b, s[written:i]...)
		b = appendSpecial(b, r)
		i += n
		written = i
	}
	b = append(b, s[written:]...)
	return append(b, '"')
}

// appendSpecial appends a character that does not stand for itself.
func appendSpecial(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case utf8.RuneError:
		return utf8.AppendRune(b, r)
	}
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&0xf])
}
