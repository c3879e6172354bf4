// SPDX-License-Identifier: Apache-2.0

// Package version knows which build this is. The build stamps the version in;
// nothing else in the program may decide by it.
package version

import "runtime/debug"

// version is set by the linker (-X) from `git describe`, and by nothing else:
// the linker can set only a variable. It stays empty in `go run`, `go test` and `go install`.
var version string

// String returns the stamped version, else the module version that
// `go install MODULE@VERSION` records, else "devel". It is never empty.
func String() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
