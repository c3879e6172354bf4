// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is what Linux counts the time of processes in, on every platform that Go
// knows.
const tick = 10 * time.Millisecond

// usage returns the CPU time that a process has used, and its resident memory in
// bytes; zero where there is no /proc.
func usage(process int) (cpu time.Duration, rss float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if os.IsNotExist(err) {
		if _, err := os.Stat("/proc/self/stat"); err == nil {
			return 0, 0, fmt.Errorf("process %d is gone", process)
		}
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	// The name, in parentheses, may hold anything. State is field 3 of proc(5).
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	field := func(i int) float64 {
		v, err := strconv.ParseFloat(fields[i-3], 64)
		if err != nil {
			panic(fmt.Sprintf("field %d of %s: %v", i, text, err))
		}
		return v
	}
	return time.Duration(field(14)+field(15)) * tick, field(24) * float64(os.Getpagesize()), nil
}
