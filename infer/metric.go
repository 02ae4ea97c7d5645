package infer

import "github.com/settle-pc/settle/tensor"

// metric is the diagonal of D⁻¹ as a method uses it, without elements for the identity: steps and products are those in
// coordinates √D z, in which D is the identity.
type metric[T tensor.Float] []T

// of returns the metric of the diagonal d, in the memory of m.
func (m metric[T]) of(d []T) metric[T] {
	m = m[:0]
	identity := true
	for _, v := range d {
		m = append(m, 1/v)
		identity = identity && v == 1
	}
	if identity {
		return m[:0]
	}
	return m
}

// direction returns D⁻¹ g of each row: g itself, or stored in dst.
func (m metric[T]) direction(dst, g tensor.Matrix[T]) tensor.Matrix[T] {
	if len(m) == 0 {
		return g
	}
	for i := range g.Rows {
		d, g := dst.Row(i), g.Row(i)
		for j, w := range m {
			d[j] = w * g[j]
		}
	}
	return dst
}

// divide overwrites each row of v with D⁻¹ v.
func (m metric[T]) divide(v tensor.Matrix[T]) {
	for i := range v.Rows {
		row := v.Row(i)
		for j, w := range m {
			row[j] *= w
		}
	}
}

// squares returns gᵀD⁻¹g.
func (m metric[T]) squares(g []T) float64 {
	if len(m) == 0 {
		return tensor.Dot(g, g)
	}
	sum := 0.0
	for j, w := range m {
		sum += float64(float64(w) * float64(g[j]) * float64(g[j]))
	}
	return sum
}

// shrink returns gᵀD⁻¹g/gᵀg, which makes an inverse curvature along g of one in the metric.
func (m metric[T]) shrink(g []T) float64 {
	gg := tensor.Dot(g, g)
	if len(m) == 0 || gg == 0 {
		return 1
	}
	return m.squares(g) / gg
}

// secant returns the products of the move −a D⁻¹g from the gradient g = before to after.
func (m metric[T]) secant(a float64, before, after []T) secant {
	var gg, gy, yy float64
	if len(m) > 0 {
		for j, w := range m {
			w, g := float64(w), float64(before[j])
			y := float64(after[j]) - g
			gg += float64(w * g * g)
			gy += float64(w * g * y)
			yy += float64(w * y * y)
		}
		return secant{ss: a * a * gg, sy: -a * gy, yy: yy}
	}
	gg, gy, yy = tensor.Secant(before, after)
	return secant{ss: a * a * gg, sy: -a * gy, yy: yy}
}

// moved returns the products of any move, from z with gradient before to next with gradient after.
func (m metric[T]) moved(z, next, before, after []T) secant {
	var s secant
	for j, v := range z {
		w := 1.0
		if len(m) > 0 {
			w = float64(m[j])
		}
		d, y := float64(next[j])-float64(v), float64(after[j])-float64(before[j])
		s.ss += d * d / w
		s.sy += float64(d * y)
		s.yy += float64(w * y * y)
	}
	return s
}

// secant holds the products of a move s and the change y of the gradient along it.
type secant struct{ ss, sy, yy float64 }

// long returns sᵀs/sᵀy, at most most, which also stands for no or negative curvature.
func (s secant) long(most float64) float64 {
	if !(s.sy > 0) {
		return most
	}
	return min(s.ss/s.sy, most)
}

// short returns sᵀy/yᵀy, 0 for no or negative curvature.
func (s secant) short() float64 {
	if !(s.sy > 0) {
		return 0
	}
	return s.sy / s.yy
}
