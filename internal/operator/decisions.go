// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"io"
	"time"

	"github.com/rolecall/rolecall/internal/decisionlog"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
)

// decisions is the decision log and its file. A nil one writes nothing down.
type decisions struct {
	log  *decisionlog.Log
	file io.Closer // nil if it goes to the standard output
}

// openDecisions returns the log that the configuration asks for, or nil.
func (o *Options) openDecisions() (*decisions, error) {
	c := o.Config.DecisionLog
	if c == nil {
		return nil, nil //nolint:nilnil // a nil log is one that writes nothing
	}
	d, out := &decisions{}, o.Stdout
	if c.File != nil {
		file, err := decisionlog.OpenFile(c.File)
		if err != nil {
			return nil, err
		}
		d.file, out = file, file
	}
	d.log = decisionlog.New(decisionlog.Options{Config: c, Output: out, Logger: o.Logger.WithName("decisionlog")})
	return d, nil
}

// recorder returns the recorder of a door; nil, which costs its checks nothing, if
// there is no log.
func (d *decisions) recorder(name string) door.Recorder {
	if d == nil {
		return nil
	}
	return d.log.Door(name)
}

func (d *decisions) register(m *metrics.Metrics) error {
	if d == nil {
		return nil
	}
	c := d.log.Counters()
	return m.DecisionLog(c.Written.Load, c.Dropped.Load, c.Failed.Load)
}

// run writes until ctx ends, when nothing is decided any more, and then what is
// left, for as long as flush.
func (d *decisions) run(ctx context.Context, flush time.Duration) error {
	if d == nil {
		return nil
	}
	if err := d.log.Run(ctx, flush); err != nil {
		return err // somebody still waits for the output, and closing would too
	}
	return d.close()
}

func (d *decisions) close() error {
	if d == nil || d.file == nil {
		return nil
	}
	return d.file.Close()
}
