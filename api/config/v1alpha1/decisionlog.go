// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// DecisionLog says what is written down of the checks that are answered: who
// asked what for whom, and the answer, as one JSON object a line. Every deny and
// every check that ended with an error is written down, and a sample of the
// allows. Checks never wait for it: what cannot be written fast enough is
// dropped, and counted.
type DecisionLog struct {
	// allowSampleRate is the share of the allows that are written down, from 0
	// (none) to 1 (all). Each is drawn by itself.
	//
	// Default: 0.01, one in a hundred.
	//
	// +optional
	AllowSampleRate *float64 `json:"allowSampleRate,omitempty"`

	// file is where the lines go. Without it they go to the standard output, where
	// the server writes nothing else.
	//
	// +optional
	File *RotatedFile `json:"file,omitempty"`

	// queueLength is how many decisions may wait to be written, from 1 to 1000000.
	// One takes about half a kilobyte.
	//
	// Default: 8192.
	//
	// +optional
	QueueLength int `json:"queueLength,omitempty"`

	// properties says which properties are written down: none, unless it says so.
	//
	// +optional
	Properties LoggedProperties `json:"properties,omitempty"`
}

// LoggedProperties names properties of checks by their paths: `context`,
// `subject.properties`, `action.properties` or `resource.properties`, and the keys
// below it, with dots between them, such as `context.country`. A key that has a dot
// itself cannot be named.
type LoggedProperties struct {
	// include names the properties that are written down, each with all that is
	// below it.
	//
	// +optional
	// +listType=set
	Include []string `json:"include,omitempty"`

	// mask names those of them, or below them, whose values are not: the line says
	// `"[masked]"` in their place.
	//
	// +optional
	// +listType=set
	Mask []string `json:"mask,omitempty"`
}

// RotatedFile is a file that is moved out of the way when it has grown, to a name
// with the time in it (`decisions-2026-01-31T12-00-00.000.jsonl`).
type RotatedFile struct {
	// path is the file's path. Its folder is made if there is none. Only the user
	// that the server runs as may read the file.
	//
	// +required
	Path string `json:"path"`

	// maxMebibytes is how long the file may grow in MiB, from 1 to 100000.
	//
	// Default: 100.
	//
	// +optional
	MaxMebibytes int `json:"maxMebibytes,omitempty"`

	// maxBackups is how many files are kept beside the one that is written, from 1
	// to 10000.
	//
	// Default: 10.
	//
	// +optional
	MaxBackups int `json:"maxBackups,omitempty"`

	// maxDays is after how many days of 24 hours a file that was moved is deleted.
	//
	// Default: 0, never for its age.
	//
	// +optional
	MaxDays int `json:"maxDays,omitempty"`

	// compress makes gzip files of those that were moved.
	//
	// Default: false.
	//
	// +optional
	Compress bool `json:"compress,omitempty"`
}
