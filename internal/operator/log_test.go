// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/operator"
)

func TestLibrariesSpeakAtTheDebugLevel(t *testing.T) {
	t.Cleanup(func() { operator.SetLibraryLogger(logr.Discard()) })
	for level, want := range map[configv1alpha1.LogLevel]bool{
		configv1alpha1.LogInfo: false, configv1alpha1.LogDebug: true,
	} {
		var out bytes.Buffer
		l := operator.NewLogger(configv1alpha1.Log{Level: level, Format: configv1alpha1.LogJSON}, &out)
		operator.SetLibraryLogger(l)
		klog.ErrorS(errors.New("connection refused"), "list again")
		klog.Flush()
		if got := strings.Contains(out.String(), "connection refused"); got != want {
			t.Errorf("level %s: logged %v, want %v: %s", level, got, want, out.String())
		}
		l.Error(errors.New("disk full"), "own error")
		if !strings.Contains(out.String(), "disk full") {
			t.Errorf("level %s: an error of the program itself is missing", level)
		}
	}
}

// TestSparing: an error is said, and said again when it goes on for long; every
// other attempt is a debug line.
func TestSparing(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	l := operator.Sparing(operator.NewLogger(configv1alpha1.Log{Level: configv1alpha1.LogInfo, Format: configv1alpha1.LogJSON}, &out), func() time.Time { return now })
	for minute := range 12 {
		now = time.Unix(int64(60*minute), 0)
		l.WithName("leaderelection").WithValues("lock", minute).Error(errors.New("refused"), "no lease")
		l.V(1).Info("nobody reads this")
	}
	l.Error(errors.New("refused"), "no status")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{`"lock":0`, `"lock":10`, "no status"} {
		if len(lines) != 3 || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], `"ERROR"`) {
			t.Errorf("line %d of %q, want an error with %s", i, lines, want)
		}
	}
	operator.Sparing(logr.Logger{}, nil).Error(nil, "to nobody")
}
