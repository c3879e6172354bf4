// SPDX-License-Identifier: Apache-2.0

// Package config reads the server's configuration file: bytes in, a complete and
// valid ServerConfiguration out, or an error that names the field, its value and
// the remedy. Nothing is guessed: unknown and repeated fields are refused.
package config
