package plot

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// CSV writes the numbers of the figure, one point a record under the header panel,line,x,y,low,high. A panel goes by its
// title, or by its number if it has none or shares it; a line by its name, or by its number. A reference line is a record
// without x. Values that the figure leaves out (NaN, +Inf, …) are there. With marks or surfaces, three columns more,
// value,dx,dy, hold the values of heat maps, contours and surfaces and the components of arrows.
func (f *Figure) CSV(w io.Writer) error {
	if err := f.Validate(); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	header := []string{"panel", "line", "x", "y", "low", "high"}
	if f.hasMarks() {
		header = append(header, "value", "dx", "dy")
	}
	c.Write(header) // an error stays with c
	put := func(fields ...string) { c.Write(append(fields, make([]string, len(header)-len(fields))...)) }
	names, n := f.panelNames(), 0
	for _, row := range f.Panels {
		for i := range row {
			for k, l := range row[i].Lines {
				name := l.Name
				if name == "" {
					name = strconv.Itoa(k + 1)
				}
				for j := range l.X {
					record := []string{names[n], name, number(l.X[j]), number(l.Y[j]), "", ""}
					if len(l.Low) > 0 {
						record[4], record[5] = number(l.Low[j]), number(l.High[j])
					}
					put(record...)
				}
			}
			for _, h := range row[i].HLines {
				put(names[n], h.Label, "", number(h.Y))
			}
			row[i].records(func(k int, r record) {
				if r.name == "" {
					r.name = "mark " + strconv.Itoa(k+1)
				}
				put(names[n], r.name, optional(r.x), optional(r.y), "", "", optional(r.value), optional(r.dx), optional(r.dy))
			})
			n++
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("plot: csv: %w", err)
	}
	return nil
}

// optional writes NaN as an empty field.
func optional(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return number(v)
}

func (f *Figure) hasMarks() bool {
	for _, row := range f.Panels {
		for i := range row {
			if len(row[i].Marks) > 0 || row[i].Surface != nil {
				return true
			}
		}
	}
	return false
}

// records hands on those of the marks, each with the index of its mark, and of the surface.
func (a *Axes) records(put func(k int, r record)) {
	for k, m := range a.Marks {
		m.records(func(r record) { put(k, r) })
	}
	if a.Surface != nil {
		a.Surface.records(func(r record) { put(len(a.Marks), r) })
	}
}

func (f *Figure) panelNames() []string {
	count := map[string]int{}
	for _, row := range f.Panels {
		for i := range row {
			count[row[i].Title]++
		}
	}
	var names []string
	for _, row := range f.Panels {
		for i := range row {
			name := row[i].Title
			if name == "" || count[name] > 1 {
				name = strconv.Itoa(len(names) + 1)
			}
			names = append(names, name)
		}
	}
	return names
}
