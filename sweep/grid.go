package sweep

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
	"sort"
)

// block is a set of axes that no condition ties to another: the grid is the product of its blocks. Within a block the axes
// that conditions are on are enumerated, once for each combination; the others stay a product.
type block struct {
	axes   []int // in the file's order
	combos []combo
	count  *big.Int
}

// combo is one combination of a block's deciding axes, with the other axes that are part of it.
type combo struct {
	values map[int]int // of the deciding axes that are part of it
	free   []int       // the others, the last fastest
	end    uint64      // points of this and all earlier combos, or the largest number
}

// maxCombos bounds what is enumerated of a grid to count it.
const maxCombos = 1 << 16

// cut fills s.blocks; order has every axis after those that its conditions are on.
func (r *reader) cut(s *Spec, order []int) {
	group := make([]int, len(s.Grid)) // the first axis of each axis's block
	for i := range group {
		group[i] = i
	}
	deciding := make([]bool, len(s.Grid))
	for i, a := range s.Grid {
		for _, k := range deps(a.When, s.axis) {
			deciding[k] = true
			from, to := group[i], group[k]
			for j := range group {
				if group[j] == max(from, to) {
					group[j] = min(from, to)
				}
			}
		}
	}
	for i, g := range group {
		if g != i {
			continue
		}
		b := block{count: new(big.Int)}
		var deciders []int
		for _, k := range order {
			if group[k] == i {
				b.axes = append(b.axes, k)
				if deciding[k] {
					deciders = append(deciders, k)
				}
			}
		}
		slices.Sort(b.axes)
		if !s.enumerate(&b, deciding, deciders, map[int]int{}) {
			a := s.Grid[i]
			r.fault(a.At, "%s: conditions on more than %d combinations of values: want fewer", a.Name, maxCombos)
			return
		}
		s.blocks = append(s.blocks, b)
	}
}

// enumerate appends the combos with these values of the deciding axes before deciders, and reports whether they fit.
func (s *Spec) enumerate(b *block, deciding []bool, deciders []int, values map[int]int) bool {
	holds := func(i int) bool {
		return s.holds(s.Grid[i].When, func(name string) string { return s.gridValue(values, name) })
	}
	if len(deciders) == 0 {
		if len(b.combos) == maxCombos {
			return false
		}
		c := combo{values: map[int]int{}}
		n, size := big.NewInt(1), uint64(1)
		for k, v := range values {
			c.values[k] = v
		}
		for _, k := range b.axes {
			if !deciding[k] && holds(k) {
				c.free = append(c.free, k)
				n.Mul(n, big.NewInt(int64(len(s.Grid[k].Values))))
				size = times(size, uint64(len(s.Grid[k].Values)))
			}
		}
		if len(b.combos) > 0 {
			c.end = b.combos[len(b.combos)-1].end
		}
		c.end = plus(c.end, size)
		b.combos = append(b.combos, c)
		b.count.Add(b.count, n)
		return true
	}
	k, rest := deciders[0], deciders[1:]
	if !holds(k) {
		return s.enumerate(b, deciding, rest, values)
	}
	defer delete(values, k)
	for v := range s.Grid[k].Values {
		values[k] = v
		if !s.enumerate(b, deciding, rest, values) {
			return false
		}
	}
	return true
}

// gridValue returns the value of a setting where the axes in values have those, and the others are no part of the trial.
func (s *Spec) gridValue(values map[int]int, name string) string {
	if i := s.axis(name); i >= 0 {
		if v, ok := values[i]; ok {
			return s.Grid[i].Values[v].Text
		}
	}
	return s.fixed[name]
}

// holds reports whether all conditions do.
func (s *Spec) holds(when []Condition, value func(string) string) bool {
	return !slices.ContainsFunc(when, func(c Condition) bool { return !slices.Contains(c.Values, value(c.Name)) })
}

// size is the number of points, or the largest number.
func (b *block) size() uint64 { return b.combos[len(b.combos)-1].end }

// point puts the values of the block's point i into values.
func (b *block) point(s *Spec, i uint64, values map[int]int) {
	k := sort.Search(len(b.combos), func(k int) bool { return b.combos[k].end > i })
	if k > 0 {
		i -= b.combos[k-1].end
	}
	c := b.combos[k]
	for a, v := range c.values {
		values[a] = v
	}
	for _, a := range slices.Backward(c.free) {
		n := uint64(len(s.Grid[a].Values))
		values[a] = int(i % n)
		i /= n
	}
}

// times and plus stop at the largest number: no trial has an index so high.
func times(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high > 0 {
		return math.MaxUint64
	}
	return low
}

func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry > 0 {
		return math.MaxUint64
	}
	return sum
}
