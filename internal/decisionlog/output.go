// SPDX-License-Identifier: Apache-2.0

package decisionlog

import (
	"fmt"

	"gopkg.in/natefinch/lumberjack.v2"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// File is an output that is moved out of the way when it has grown.
type File struct{ lumberjack.Logger }

// OpenFile opens the file of a valid configuration, so that one that cannot be
// written is known before there is anything to write.
func OpenFile(c *configv1alpha1.RotatedFile) (*File, error) {
	f := &File{lumberjack.Logger{
		Filename:   c.Path,
		MaxSize:    c.MaxMebibytes,
		MaxBackups: c.MaxBackups,
		MaxAge:     c.MaxDays,
		Compress:   c.Compress,
	}}
	if _, err := f.Write(nil); err != nil {
		return nil, fmt.Errorf("open the decision log (decisionLog.file.path): %w", err)
	}
	return f, nil
}
