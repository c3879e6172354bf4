// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// line is a line of a drawing. Floors are dashed.
type line struct {
	label  string
	colour color.Color
	floor  bool
	points plotter.XYs
}

// drawing is a plot with logarithmic axes, its lines named at their ends.
type drawing struct {
	title, x, y string
	lines       []line
}

// The colours are readable on white and on black; the background is left out.
var (
	ink     = color.NRGBA{R: 0x80, G: 0x86, B: 0x90, A: 0xff}
	faint   = color.NRGBA{R: 0x80, G: 0x86, B: 0x90, A: 0x50}
	product = color.NRGBA{R: 0xe0, G: 0x55, B: 0x20, A: 0xff}
	palette = map[string]color.Color{
		"rolecall":   product,
		"mapget":     ink,
		"undecoded":  ink,
		"ideal-flat": color.NRGBA{R: 0x5b, G: 0x9b, B: 0x6a, A: 0xff},
		ideal:        color.NRGBA{R: 0x20, G: 0x9a, B: 0x77, A: 0xff},
		"floor":      color.NRGBA{R: 0x20, G: 0x9a, B: 0x77, A: 0xff},
		"cedar":      color.NRGBA{R: 0xc2, G: 0x8f, B: 0x10, A: 0xff},
		"opa":        color.NRGBA{R: 0x3b, G: 0x8b, B: 0xd0, A: 0xff},
		"kubernetes": color.NRGBA{R: 0x7b, G: 0x78, B: 0xe0, A: 0xff},
		"casbin":     color.NRGBA{R: 0xc8, G: 0x62, B: 0xa8, A: 0xff},
		"cerbos":     color.NRGBA{R: 0xc8, G: 0x62, B: 0xa8, A: 0xff},
	}
)

const (
	sans = "Sans"
	// family is the plotter's typeface, and those with its measures that readers
	// may have instead.
	typeface, family = "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;"
)

const width, height = 18 * vg.Centimeter, 10 * vg.Centimeter

// save draws into a file. There is nothing to draw without points.
func (d drawing) save(path string) error {
	d.lines = slices.DeleteFunc(slices.Clone(d.lines), func(l line) bool { return len(l.points) == 0 })
	if len(d.lines) == 0 {
		return nil
	}
	p := d.frame()
	for _, l := range d.lines {
		shape, points, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return fmt.Errorf("%s: %w", l.label, err)
		}
		shape.Color, shape.Width = l.colour, vg.Points(1.5)
		if l.colour == product {
			shape.Width = vg.Points(2.5)
		}
		if l.floor {
			shape.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
		}
		points.Color, points.Radius, points.Shape = l.colour, vg.Points(2.5), draw.CircleGlyph{}
		p.Add(shape, points)
	}
	if err := d.label(p); err != nil {
		return err
	}
	return write(p, path)
}

// frame returns an empty plot.
func (d drawing) frame() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // that of the page
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = d.title, d.x, d.y
	p.Title.TextStyle.Color, p.Title.TextStyle.Font.Variant = ink, sans
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Label.TextStyle.Color, axis.Tick.Label.Color, axis.Tick.Color = ink, ink, ink, ink
		axis.Label.TextStyle.Font.Variant, axis.Tick.Label.Font.Variant = sans, sans
		axis.Scale = plot.LogScale{}
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = d.values(), decades{}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, faint
	p.Add(grid)
	return p
}

// values marks the values of x that there are.
func (d drawing) values() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, l := range d.lines {
		for _, xy := range l.points {
			if !slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == xy.X }) {
				ticks = append(ticks, plot.Tick{Value: xy.X, Label: number(xy.X)})
			}
		}
	}
	return ticks
}

// decades marks the powers of ten.
type decades struct{}

// Ticks returns a tick for each power of ten.
func (decades) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		ticks = append(ticks, plot.Tick{Value: math.Pow(10, e), Label: number(math.Pow(10, e))})
	}
	return ticks
}

// label writes the names to the right of the lines' ends, as far apart as letters
// need, and makes room for them.
func (d drawing) label(p *plot.Plot) error {
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(p.Y.Min))), math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	gap := math.Log10(p.Y.Max/p.Y.Min) / 20
	lines := slices.SortedFunc(slices.Values(d.lines), func(a, b line) int {
		return int(math.Copysign(1, a.end().Y-b.end().Y))
	})
	labels := plotter.XYLabels{}
	last := math.Inf(-1)
	for _, l := range lines {
		last = max(math.Log10(l.end().Y), last+gap)
		labels.XYs = append(labels.XYs, plotter.XY{X: l.end().X, Y: math.Pow(10, last)})
		labels.Labels = append(labels.Labels, l.label)
	}
	names, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	names.Offset = vg.Point{X: vg.Points(7)}
	for i := range names.TextStyle {
		names.TextStyle[i].Color, names.TextStyle[i].YAlign = lines[i].colour, text.YCenter
		names.TextStyle[i].Font.Variant = sans
	}
	p.Add(names)
	p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.35)
	return nil
}

func (l line) end() plotter.XY { return l.points[len(l.points)-1] }

func write(p *plot.Plot, path string) error {
	canvas := vgsvg.New(width, height)
	p.Draw(draw.New(canvas))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	text := bytes.ReplaceAll(b.Bytes(), []byte(typeface), []byte(family))
	return os.WriteFile(path, text, 0o644) //nolint:gosec // a document
}
