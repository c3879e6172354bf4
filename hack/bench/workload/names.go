// SPDX-License-Identifier: Apache-2.0

package workload

import "fmt"

// UserName returns the id of user i.
func UserName(i int) string { return fmt.Sprintf("user-%07d", i) }

// TypeName returns the id of resource type i.
func TypeName(i int) string { return fmt.Sprintf("type-%03d", i) }

// ActionName returns the name of action i.
func ActionName(i int) string { return fmt.Sprintf("action-%d", i) }

// ScopeName returns the name of scope i.
func ScopeName(i int) string { return fmt.Sprintf("org-%02d", i) }

// RoleName returns the id of role i.
func RoleName(i int) string { return fmt.Sprintf("role-%04d", i) }

// Table returns the names of 0 to n-1.
func Table(n int, name func(int) string) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = name(i)
	}
	return s
}
