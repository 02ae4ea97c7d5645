package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// activations generates φ and φ′ in one go, for float32.
func activations(k kind) {
	k.activation("tanh", k.tanh)
	k.activation("sigmoid", k.sigmoid)
	k.activation("silu", k.silu)
	k.activation("gelu", k.gelu)
	k.activation("relu", func(x reg.VecVirtual) (y, slope reg.VecVirtual) {
		y, slope = k.vec(), k.vec()
		k.zero(slope)
		VMAXPS(x, slope, y) // x if it is NaN
		VADDPS(slope, y, y) // −0 becomes 0, as with max in Go
		positive := k.less(slope, x)
		return y, k.choose(positive, k.get(number(1)), slope)
	})
	k.activation("leakyReLU", func(x reg.VecVirtual) (y, slope reg.VecVirtual) {
		zero, y := k.vec(), k.vec()
		k.zero(zero)
		// As in Go: leak + (1 − leak), rounded.
		slope = k.choose(k.less(zero, x), k.get(number(float64(float32(0.01)+float32(0.99)))), k.get(number(0.01)))
		VMULPS(slope, x, y)
		return y, slope
	})
	k.activation("hardTanh", func(x reg.VecVirtual) (y, slope reg.VecVirtual) {
		one, minus, zero, y := k.get(number(1)), k.get(number(-1)), k.vec(), k.vec()
		k.zero(zero)
		slope = k.choose(k.less(minus, x), one, zero)
		slope = k.choose(k.less(x, one), slope, zero)
		VMAXPS(x, minus, y)
		VMINPS(y, one, y)
		return y, slope
	})

	TEXT(k.name("exp"), NOSPLIT, "func(dst, x *float32, n int)")
	Pragma("noescape")
	Doc(k.name("exp") + " is eˣ.")
	p := pointers("dst", "x", "n")
	k.each(p[2], 1, func(l lane) {
		v := k.clampAbove(89, l.load(p[1]))
		low := k.get(number(-105))
		VMAXPS(v, low, v)
		e := k.exp(v)
		l.store(e.scaled(e.y), p[0])
	})
}

// activation generates the kernel that stores φ and φ′.
func (k kind) activation(name string, f func(x reg.VecVirtual) (y, slope reg.VecVirtual)) {
	TEXT(k.name(name), NOSPLIT, "func(dst, slope, x *float32, n int)")
	Pragma("noescape")
	Doc(k.name(name) + " stores φ and φ′.")
	p := pointers("dst", "slope", "x", "n")
	k.each(p[3], 1, func(l lane) {
		y, slope := f(l.load(p[2]))
		l.store(y, p[0])
		l.store(slope, p[1])
	})
}

// get loads a constant.
func (k kind) get(m Mem) reg.VecVirtual {
	v := k.vec()
	k.load(m, v)
	return v
}

// clampAbove returns min(x, limit), or NaN: the second operand of the processor's minimum.
func (k kind) clampAbove(limit float64, x reg.VecVirtual) reg.VecVirtual {
	v := k.get(number(limit))
	VMINPS(x, v, v)
	return v
}

// clampedAbs returns min(|x|, limit), or NaN.
func (k kind) clampedAbs(x reg.VecVirtual, limit float64) reg.VecVirtual {
	a := k.vec()
	VANDPS(bits(noSign), x, a)
	return k.clampAbove(limit, a)
}

// condition is the result of a comparison: a register of ones and zeros, or a mask register.
type condition struct {
	v reg.VecVirtual
	m reg.OpmaskVirtual
}

// less returns a < b, false for NaN.
func (k kind) less(a, b reg.VecVirtual) condition {
	const lessQuiet = 17
	c := condition{}
	if k.isa == avx2 {
		c.v = k.vec()
		VCMPPS(Imm(lessQuiet), b, a, c.v)
	} else {
		c.m = K()
		VCMPPS(Imm(lessQuiet), b, a, c.m)
	}
	return c
}

// choose returns yes where c holds, else no.
func (k kind) choose(c condition, yes, no reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	if k.isa == avx2 {
		VBLENDVPS(c.v, yes, no, v)
	} else {
		VBLENDMPS(yes, no, c.m, v)
	}
	return v
}

// negative returns x < 0.
func (k kind) negative(x reg.VecVirtual) condition {
	zero := k.vec()
	k.zero(zero)
	return k.less(x, zero)
}

// horner evaluates the polynomial with these coefficients, the constant first.
func (k kind) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := k.get(number(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PS(number(c[i]), x, p)
	}
	return p
}
