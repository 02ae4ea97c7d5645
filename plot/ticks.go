package plot

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// tick is a mark on an axis, at 0 … 1 along it; without a label it is a small one.
type tick struct {
	at    float64
	label string
}

// fits reports whether neighbouring labels keep apart on an axis of this length.
type fits func(ticks []tick, length vg.Length) bool

// along is for the x axis: half the widths and two thirds of an em between.
func along(ticks []tick, length vg.Length) bool {
	return apart(ticks, length, func(a, b tick) vg.Length {
		return (textWidth(a.label, tickSize)+textWidth(b.label, tickSize))/2 + 0.67*tickSize
	})
}

// stacked is for the y axis.
func stacked(ticks []tick, length vg.Length) bool {
	return apart(ticks, length, func(tick, tick) vg.Length { return 1.6 * tickSize })
}

func apart(ticks []tick, length vg.Length, need func(a, b tick) vg.Length) bool {
	var last *tick
	for i, t := range ticks {
		if t.label == "" {
			continue
		}
		if last != nil && vg.Length(t.at-last.at)*length < need(*last, t) {
			return false
		}
		last = &ticks[i]
	}
	return true
}

func labelled(ticks []tick) int {
	n := 0
	for _, t := range ticks {
		if t.label != "" {
			n++
		}
	}
	return n
}

func (s scale) ticks(length vg.Length, ok fits) []tick {
	if s.log {
		return s.logTicks(length, ok)
	}
	return s.linearTicks(length, ok)
}

// named returns ticks with these names at 0, 1, 2 …, without those out of range.
func (s scale) named(names []string) []tick {
	var out []tick
	for i, name := range names {
		if s.contains(float64(i)) {
			out = append(out, tick{s.of(float64(i)), name})
		}
	}
	return out
}

// linearTicks returns as many round values as fit, up to seven, and two if only whole numbers allow.
func (s scale) linearTicks(length vg.Length, ok fits) []tick {
	var ticks []tick
	for want := 6; want >= 1; want-- {
		d := niceStep((s.hi - s.lo) / float64(want))
		if fine := d.exp < 0 || d.mant == 2.5 && d.exp == 0; fine && s.whole {
			d = wholeStep(d)
		}
		fewer := s.every(d)
		if len(ticks) >= 2 && len(fewer) < 2 {
			break
		}
		if ticks = fewer; ok(ticks, length) && len(ticks) > 0 {
			return ticks
		}
	}
	for stride := 2; !ok(ticks, length); stride++ { // fewer steps would leave one: label some of these
		for i := range ticks {
			if i%stride != 0 {
				ticks[i].label = ""
			}
		}
	}
	return ticks
}

// wholeStep is the next step of a whole number.
func wholeStep(d step) step {
	if d.exp < 0 {
		return step{1, 0}
	}
	return step{5, 0} // from 2.5
}

// step is mant·10^exp with mant 1, 2, 2.5 or 5.
type step struct {
	mant float64
	exp  int
}

func (s step) size() float64 { return s.mant * math.Pow10(s.exp) }

// niceStep returns the smallest step of at least x > 0.
func niceStep(x float64) step {
	exp := int(math.Floor(math.Log10(x)))
	for {
		for _, m := range []float64{1, 2, 2.5, 5} {
			if s := (step{m, exp}); s.size() >= x*(1-1e-9) {
				return s
			}
		}
		exp++
	}
}

// every returns the multiples of d on the axis. There are few: d is a sixth of its length or more.
func (s scale) every(d step) []tick {
	slack := 1e-9 * min(1, (s.hi-s.lo)/d.size()) // the ends of the axis count although division rounds
	first, last := math.Ceil(s.lo/d.size()-slack), math.Floor(s.hi/d.size()+slack)
	n := int(last-first) + 1
	ticks := make([]tick, 0, max(n, 0))
	format := numberFormat(d, max(math.Abs(s.lo), math.Abs(s.hi)))
	for i := range n {
		v := (first + float64(i)) * d.size()
		ticks = append(ticks, tick{(v - s.lo) / (s.hi - s.lo), format(v)})
	}
	return ticks
}

// numberFormat returns how multiples of d up to largest are written: 0.25, 1,000, 2.5×10⁶.
func numberFormat(d step, largest float64) func(v float64) string {
	half := 0
	if d.mant == 2.5 {
		half = 1
	}
	if largest < 1e6 && largest >= 1e-3 {
		decimals := max(0, half-d.exp)
		return func(v float64) string { return plain(v, decimals) }
	}
	exp := int(math.Floor(math.Log10(largest) + 1e-9))
	decimals := max(0, exp-d.exp+half)
	return func(v float64) string {
		if math.Abs(v) < d.size()/2 {
			return "0"
		}
		return plain(v/math.Pow10(exp), decimals) + "×" + power(exp)
	}
}

// plain writes v with thousands set off by commas and a true minus.
func plain(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, frac, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac != "" {
		whole += "." + frac
	}
	if v < 0 && strings.Trim(s, "0.") != "" {
		return "−" + whole
	}
	return whole
}

var superscripts = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// power writes 10ⁿ.
func power(n int) string { return "10" + superscripts.Replace(strconv.Itoa(n)) }

// logTicks labels decades where the axis has two of them, otherwise 1, 2, 5 or 1, 3 in each, and where even those are
// too few the round values of the linear scale. On long axes it leaves out all but every second, third … decade.
func (s scale) logTicks(length vg.Length, ok fits) []tick {
	first, last := int(math.Ceil(s.lo-1e-9)), int(math.Floor(s.hi+1e-9))
	if last > first {
		for stride := 1; ; stride++ {
			if ticks := s.decades(first, last, stride); ok(ticks, length) && labelled(ticks) <= 9 || stride > last-first {
				return ticks
			}
		}
	}
	for _, digits := range []string{"123456789", "125", "13", "1"} {
		if ticks := s.digits(digits); labelled(ticks) >= 2 && ok(ticks, length) {
			return ticks
		}
	}
	values := scale{lo: math.Pow(10, s.lo), hi: math.Pow(10, s.hi)}
	move := func(ticks []tick) []tick {
		moved := make([]tick, len(ticks))
		for i, t := range ticks {
			moved[i] = tick{(math.Log10(values.lo+t.at*(values.hi-values.lo)) - s.lo) / (s.hi - s.lo), t.label}
		}
		return moved
	}
	return move(values.linearTicks(length, func(ticks []tick, length vg.Length) bool { return ok(move(ticks), length) }))
}

// decades labels every stride-th power of ten, counted from 10⁰; small ticks are the digits between, or the powers
// where those would merge.
func (s scale) decades(first, last, stride int) []tick {
	write := power
	if first >= -1 && last <= 4 {
		write = func(n int) string { return plain(math.Pow10(n), max(0, -n)) }
	}
	var ticks []tick
	for n := first - 1; n <= last; n++ {
		for d := 1; d <= 9; d++ {
			if d > 1 && stride > 1 || d > 1 && last-first > 8 {
				break
			}
			at := (float64(n) + math.Log10(float64(d)) - s.lo) / (s.hi - s.lo)
			if at < -1e-9 || at > 1+1e-9 {
				continue
			}
			label := ""
			if d == 1 && n%stride == 0 {
				label = write(n)
			}
			ticks = append(ticks, tick{at, label})
		}
	}
	return ticks
}

// digits labels the given leading digits of an axis that is shorter than two decades.
func (s scale) digits(labels string) []tick {
	var ticks []tick
	for n := int(math.Floor(s.lo)); n <= int(math.Floor(s.hi)); n++ {
		for d := 1; d <= 9; d++ {
			at := (float64(n) + math.Log10(float64(d)) - s.lo) / (s.hi - s.lo)
			if at < -1e-9 || at > 1+1e-9 {
				continue
			}
			label := ""
			switch digit := strconv.Itoa(d); {
			case !strings.Contains(labels, digit):
			case s.lo >= -3 && s.hi < 6:
				label = plain(float64(d)*math.Pow10(n), max(0, -n))
			case d == 1:
				label = power(n)
			default:
				label = digit + "×" + power(n)
			}
			ticks = append(ticks, tick{at, label})
		}
	}
	return ticks
}
