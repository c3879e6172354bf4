// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

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
