package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reduced is eᵛ = y·2ⁿ with v = n ln 2 + r, |r| ≤ ½ ln 2, y = eʳ.
type reduced struct {
	t, n, y reg.VecVirtual // t is n in the low bits of magic
}

// expReduce returns the parts of eᵛ. eʳ = 1 + r + r² P(r), where P is the minimax polynomial for the error relative to eʳ − 1, below
// 2⁻³¹; what 1 + r loses is added to the rest. ln 2 is subtracted in two parts, of which the first times n is exact.
func (k kind) expReduce(v reg.VecVirtual) reduced {
	const ln2Head = 0.693359375
	m, t, n, r, square := k.get(number(magic)), k.vec(), k.vec(), k.vec(), k.vec()
	k.load(number(math.Log2E), t)
	VFMADD213PS(m, v, t)
	VSUBPS(m, t, n)
	k.copy(v, r)
	VFNMADD231PS(number(ln2Head), n, r)
	VFNMADD231PS(number(math.Ln2-ln2Head), n, r)
	p := k.horner(r, 0.5000000046, 0.1666666682, 0.04166635473, 0.008333273056, 0.001394100446, 0.000199141671)
	VMULPS(r, r, square)
	one, head := k.get(number(1)), k.vec()
	VADDPS(r, one, head)
	VSUBPS(one, head, one)
	VSUBPS(one, r, r) // what the head lacks
	VFMADD213PS(r, square, p)
	VADDPS(head, p, p)
	return reduced{t, n, p}
}

func (k kind) copy(from, to reg.VecVirtual) { VMOVAPS(from, to) }

// exponential is eᵛ = y·2ⁿ, the power being a product of two, since that of one exponent leaves the range of float32 before eᵛ
// does: the last product is the only one that rounds, also where eᵛ is subnormal.
type exponential struct {
	y, s1, s2 reg.VecVirtual
}

// exp returns eᵛ for −105 ≤ v ≤ 89.
func (k kind) exp(v reg.VecVirtual) exponential {
	x := k.expReduce(v)
	e := exponential{y: x.y, s1: k.vec(), s2: k.vec()}
	n, half := k.vec(), k.vec()
	VCVTPS2DQ(x.n, n)
	VPSRAD(Imm(1), n, half)
	VPSUBD(half, n, n)
	for _, s := range []struct{ n, to reg.VecVirtual }{{half, e.s1}, {n, e.s2}} {
		VPSLLD(Imm(23), s.n, s.to)
		VPADDD(bits(0x3f800000), s.to, s.to)
	}
	return e
}

// scaled returns x·2ⁿ in x.
func (e exponential) scaled(x reg.VecVirtual) reg.VecVirtual {
	VMULPS(e.s1, x, x)
	VMULPS(e.s2, x, x)
	return x
}

// tanh is, with a = |x|, the minimax polynomial a + a³ P(a²) below 0.55, of an error below 2⁻²⁹, and 1 − 2/(e²ᵃ + 1) above, where
// the 1 dominates; from 9.02 on that rounds to 1. The slope is 1 − tanh², of the rounded value.
func (k kind) tanh(x reg.VecVirtual) (y, slope reg.VecVirtual) {
	a := k.clampedAbs(x, 10)
	twice, square := k.vec(), k.vec()
	VADDPS(a, a, twice)
	e := k.expReduce(twice)
	one, den, large := k.get(number(1)), e.y, k.get(number(2))
	VPSLLD(Imm(23), e.t, e.t)
	VPADDD(one, e.t, e.t)
	VFMADD213PS(one, e.t, den)
	VDIVPS(den, large, large)
	VSUBPS(large, one, large)

	VMULPS(a, a, square)
	p := k.horner(square, -0.333333180458, 0.133326016877, -0.0538538580738, 0.0210777587325, -0.00628247371402)
	VMULPS(square, p, p)
	VFMADD213PS(a, a, p)
	y = k.choose(k.less(a, k.get(number(0.55))), p, large)
	sign := k.vec()
	VANDPS(bits(signBit), x, sign)
	VORPS(sign, y, y)
	slope = one
	VFNMADD231PS(y, y, slope)
	return y, slope
}

// logistic returns e = e^−|x|, its unscaled parts, 1 + e, and x < 0: all that sigmoid and silu are made of.
func (k kind) logistic(x reg.VecVirtual) (parts exponential, e, den reg.VecVirtual, negative condition) {
	v := k.clampedAbs(x, 110)
	VORPS(bits(signBit), v, v)
	parts = k.exp(v)
	e, den = k.vec(), k.vec()
	k.copy(parts.y, e)
	parts.scaled(e)
	VADDPS(number(1), e, den)
	return parts, e, den, k.negative(x)
}

// sigmoid is, with q = e/(1 + e), 1 − q above 0 and e − e q below: of the rounding of 1 + e and of the division there remains what
// q is of the result. The slope is s(1 − s), of the rounded value.
func (k kind) sigmoid(x reg.VecVirtual) (y, slope reg.VecVirtual) {
	_, e, q, negative := k.logistic(x)
	one, above := k.get(number(1)), k.vec()
	VDIVPS(q, e, q)
	VSUBPS(q, one, above)
	VFNMADD213PS(e, e, q)
	y = k.choose(negative, q, above)
	VSUBPS(y, one, one)
	VMULPS(y, one, one)
	return y, one
}

// silu is x/(1 + e) or x e/(1 + e), with the slope s(1 + x(1 − s)), in which 1 − s is a quotient too.
func (k kind) silu(x reg.VecVirtual) (y, slope reg.VecVirtual) {
	parts, e, den, negative := k.logistic(x)
	bounded := k.clampedAbs(x, 110)
	sign := k.vec()
	VANDPS(bits(signBit), x, sign)
	VORPS(sign, bounded, bounded)
	VMULPS(bounded, parts.y, parts.y)
	y = k.choose(negative, parts.scaled(parts.y), x)
	VDIVPS(den, y, y)
	one := k.get(number(1))
	s, rest := k.choose(negative, e, one), k.choose(negative, one, e)
	VDIVPS(den, one, den)
	VMULPS(den, s, s)
	VMULPS(den, rest, rest)
	VFMADD213PS(one, bounded, rest)
	VMULPS(s, rest, rest)
	return y, rest
}

// gelu is x Φ(x) = max(x, 0) − a Φ(−a) with a = |x|, and Φ(−a) = e^(−a²/2) R(a). Mills' ratio R (but for √2π) is t P(t) with
// t = 1/(1 + 0.3 a), P the minimax polynomial in t − 0.6 on 0 ≤ a ≤ 15 for the relative error, below 2⁻²⁸; beyond, all is 0.
// What squaring a loses is made up for in the exponential. The slope is Φ(x) + x e^(−x²/2)/√2π: with
// d = e^(−a²/2) (R(a) − a/√2π) it is d below 0 and 1 − d above.
func (k kind) gelu(x reg.VecVirtual) (y, slope reg.VecVirtual) {
	a := k.clampedAbs(x, 15)
	square, lost, v := k.vec(), k.vec(), k.vec()
	VMULPS(a, a, square)
	k.copy(a, lost)
	VFMSUB213PS(square, a, lost)
	VMULPS(number(-0.5), square, v)
	VMULPS(number(-0.5), lost, lost)
	e := k.exp(v)
	VFMADD213PS(e.y, e.y, lost) // (1 − lost/2) eᵛ

	one, t := k.get(number(1)), k.vec()
	k.load(number(0.3), t)
	VFMADD213PS(one, a, t)
	VDIVPS(t, one, t)
	// One step of Newton's: R changes up to 2.7 times as fast as t.
	third, miss := k.vec(), k.vec()
	VMULPS(number(0.3), t, third)
	VSUBPS(t, one, miss)
	VFNMADD231PS(third, a, miss)
	VFMADD231PS(miss, t, t)
	centred := k.vec()
	VADDPS(number(-0.6), t, centred)
	ratio := k.horner(centred, 0.258572678702, 0.405136747452, 0.413744848002, 0.22535588925, -0.013819862016,
		-0.091045960975, -0.00755413213074, 0.0441987603468, 0.00107002205656, -0.0206286350209)
	VMULPS(t, ratio, ratio)

	y = k.vec()
	VMULPS(a, ratio, y)
	VMULPS(lost, y, y)
	e.scaled(y)
	zero, top := k.vec(), k.vec()
	k.zero(zero)
	VMAXPS(x, zero, top)
	VSUBPS(y, top, y)

	VFNMADD231PS(number(1/math.Sqrt(2*math.Pi)), a, ratio)
	VMULPS(lost, ratio, ratio)
	d := e.scaled(ratio)
	VSUBPS(d, one, one)
	return y, k.choose(k.less(x, zero), d, one)
}
