// SPDX-License-Identifier: Apache-2.0

package report

// Machine is what results are of. It names no host.
type Machine struct {
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memoryGiB"`
	System string  `json:"system"`
	Go     string  `json:"go"`
	Commit string  `json:"commit"`
	Date   string  `json:"date"`
}

// Write writes performance.md.
func Write(results, docs string) error { return nil }
