package plot

import "math"

// Range is an interval of an axis. The zero Range stands for "fitted to the data".
type Range struct{ Min, Max float64 }

// Values beyond these are not drawn: differences and powers of ten of what is left stay finite.
const (
	largest  = 1e300
	smallest = 1e-300 // on a logarithmic axis; also the least width of a linear one
)

// minRelative is the least width of a linear axis relative to its values, which keeps neighbouring ticks apart in
// float64 and their labels readable.
const minRelative = 1e-9

// scale maps values to 0 … 1 along an axis. lo < hi are values, or their log10 on a logarithmic axis.
type scale struct {
	log    bool
	lo, hi float64
	whole  bool // all values are whole numbers: no ticks between them
}

// drawable reports whether v has a place on the axis, inside its range or not.
func drawable(v float64, log bool) bool {
	if log {
		return v >= smallest && v <= largest
	}
	return math.Abs(v) <= largest // false for NaN
}

func (s scale) unit(v float64) float64 {
	if s.log {
		return math.Log10(v)
	}
	return v
}

// of returns where v lies. Far values are moved closer: the slope of what can be seen of a line that leads there does
// not change, and clipping it does not overflow.
func (s scale) of(v float64) float64 {
	const far = 1e6
	return max(-far, min(far, (s.unit(v)-s.lo)/(s.hi-s.lo)))
}

func (s scale) contains(v float64) bool {
	return drawable(v, s.log) && s.unit(v) >= s.lo && s.unit(v) <= s.hi
}

// fit returns the scale for an axis with the range r or, if that is zero, for the values with a margin, a part of the
// whole, at both ends.
func fit(log bool, r Range, values []float64, margin float64) scale {
	s := scale{log: log, lo: math.Inf(1), hi: math.Inf(-1), whole: true}
	for _, v := range values {
		if drawable(v, log) {
			s.lo, s.hi = min(s.lo, s.unit(v)), max(s.hi, s.unit(v))
			s.whole = s.whole && v == math.Trunc(v)
		}
	}
	switch {
	case r != Range{}:
		s.lo, s.hi = s.unit(r.Min), s.unit(r.Max)
		return s
	case s.lo > s.hi: // nothing to show
		s.lo, s.hi, s.whole = 0, 1, false
		return s
	case log:
		if s.hi-s.lo < 0.2 { // under a factor of 1.6 there is nothing to see but noise
			mid := (s.lo + s.hi) / 2
			s.lo, s.hi = mid-0.3, mid+0.3
		}
	case s.hi-s.lo < leastWidth(s.lo, s.hi):
		d := max(math.Abs(s.lo), math.Abs(s.hi)) / 10
		if d < smallest {
			d = 1
		}
		s.lo, s.hi = s.lo-d, s.hi+d
	}
	if margin == 0 {
		return s
	}
	d := margin * (s.hi - s.lo)
	if zero := !log && s.lo >= 0 && s.lo < 0.2*s.hi; zero {
		s.lo = 0 // an axis of what cannot be negative starts at its natural end
	} else {
		s.lo -= d
	}
	s.hi += d
	return s
}

// leastWidth is what a linear axis near these values must span to have ticks.
func leastWidth(lo, hi float64) float64 {
	return max(smallest, minRelative*max(math.Abs(lo), math.Abs(hi)))
}
