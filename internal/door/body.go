// SPDX-License-Identifier: Apache-2.0

package door

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// ReadBody reads the whole body of a request into buf, which it may grow, and
// returns it. The server has bounded the body: one that is too long is a 413.
func ReadBody(r *http.Request, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf[:0], max(int(r.ContentLength), 0)+1)
	for {
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, bodyError(err)
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, 1)
		}
	}
}

func bodyError(err error) error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return TooLong(tooLong.Limit)
	}
	return &Error{Status: http.StatusBadRequest, Message: "the body could not be read to its end", Err: err}
}

// TooLong is the error for a body that is longer than a limit in bytes.
func TooLong(limit int64) *Error {
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("the body is longer than the %d bytes that this server takes; ask less at once", limit),
	}
}

// MaxKept is the longest buffer in bytes that a door keeps for its next request.
const MaxKept = 64 << 10

// maxMeasured is the length in bytes up to which net/http counts an answer by
// itself. It would cut a longer one in chunks.
const maxMeasured = 2 << 10

// SetContent sets the headers that say what the body of an answer is, and how long
// in bytes. Nobody may change the value of the media type any more.
func SetContent(h http.Header, mediaType []string, length int) {
	h["Content-Type"] = mediaType
	if length > maxMeasured {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
}
