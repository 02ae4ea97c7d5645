package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sumLanes is the number of partial sums: element i goes to sum i mod 16, whatever the registers hold.
const sumLanes = 16

// sums generates the sums in float64 over the elements of slices.
func sums(k kind) {
	t, wide := k.pointer(), kind{k.isa, double}

	TEXT(k.name("dot"), NOSPLIT, "func(x, y "+t+", n int) float64")
	Pragma("noescape")
	Doc(k.name("dot") + " returns Σ x·y.")
	p := pointers("x", "y", "n")
	k.reduce(p[2], 1, func(part part, s []reg.VecVirtual) {
		wide.fma(part.load(p[0]), part.load(p[1]), s[0])
	})

	TEXT(k.name("squares"), NOSPLIT, "func(x "+t+", n int) float64")
	Pragma("noescape")
	Doc(k.name("squares") + " returns Σ x².")
	p = pointers("x", "n")
	k.reduce(p[1], 1, func(part part, s []reg.VecVirtual) {
		x := part.load(p[0])
		wide.fma(x, x, s[0])
	})

	TEXT(k.name("secant"), NOSPLIT, "func(before, after "+t+", n int) (gg, gy, yy float64)")
	Pragma("noescape")
	Doc(k.name("secant") + " returns the products of g = before and y = after − before.")
	p = pointers("before", "after", "n")
	k.reduce(p[2], 3, func(part part, s []reg.VecVirtual) {
		g, y := part.load(p[0]), part.load(p[1])
		wide.sub(g, y, y)
		wide.fma(g, g, s[0])
		wide.fma(g, y, s[1])
		wide.fma(y, y, s[2])
	})

	nonfinite(k)
}

// part is one register's worth of the sixteen elements of a step, as float64.
type part struct {
	kind
	i    reg.GPVirtual // index of the step
	at   int           // first element of the part
	mask *mask
}

// load returns the elements at p; where there are none, 0.
func (l part) load(p reg.GPVirtual) reg.VecVirtual {
	from, v := Mem{Base: p, Index: l.i, Scale: uint8(l.size()), Disp: l.at * l.size()}, l.vec()
	switch {
	case l.mask == nil && l.element == single:
		VCVTPS2PD(from, v)
	case l.mask == nil:
		l.kind.load(from, v)
	case l.element == single:
		narrow := v.AsY()
		if l.isa == avx2 {
			narrow = v.AsX()
		}
		l.mask.load(from, narrow)
		VCVTPS2PD(narrow, v)
	default:
		l.mask.load(from, v)
	}
	return v
}

// reduce generates count sums over n elements and returns them: sixteen partial sums of each, added in halves.
func (k kind) reduce(n reg.GPVirtual, count int, body func(part part, s []reg.VecVirtual)) {
	lanes := k.width() / 8
	s := make([][]reg.VecVirtual, sumLanes/lanes)
	for r := range s {
		for range count {
			v := k.vec()
			k.zero(v)
			s[r] = append(s[r], v)
		}
	}
	i, next := GP64(), GP64()
	XORQ(i, i)
	Label("full")
	LEAQ(Mem{Base: i, Disp: sumLanes}, next)
	CMPQ(next, n)
	JGT(LabelRef("rest"))
	for r := range s {
		body(part{kind: k, i: i, at: r * lanes}, s[r])
	}
	MOVQ(next, i)
	JMP(LabelRef("full"))
	Label("rest")
	SUBQ(i, n)
	JZ(LabelRef("done"))
	for r := range s {
		m := k.part(n, r*lanes, lanes*k.size())
		body(part{kind: k, i: i, at: r * lanes, mask: &m}, s[r])
	}
	Label("done")
	for q := range count {
		for half := len(s) / 2; half > 0; half /= 2 {
			for r := range half {
				kind{k.isa, double}.add(s[r+half][q], s[r][q], s[r][q])
			}
		}
		Store(fold(k, s[0][q]), ReturnIndex(q))
	}
	VZEROUPPER()
	RET()
}

// fold returns the sum of the elements of v, in float64, added in halves.
func fold(k kind, v reg.VecVirtual) reg.Register {
	x, high := v.AsX(), YMM()
	if k.isa == avx512 {
		VEXTRACTF64X4(Imm(1), v, high)
		VADDPD(high, v.AsY(), v.AsY())
	}
	VEXTRACTF128(Imm(1), v.AsY(), high.AsX())
	VADDPD(high.AsX(), x, x)
	VUNPCKHPD(x, x, high.AsX())
	VADDSD(high.AsX(), x, x)
	return x
}

// nonfinite generates sums of 0·x, which are 0 or, if any x is not finite, NaN.
func nonfinite(k kind) {
	TEXT(k.name("nonfinite"), NOSPLIT, "func(x "+k.pointer()+", n int) int")
	Pragma("noescape")
	Doc(k.name("nonfinite") + " returns 0 if all x are finite.")
	p := pointers("x", "n")
	zero, bad := k.vec(), k.vec()
	k.zero(zero)
	k.zero(bad)
	k.loop(p[1], 2, func(l lane) {
		x := l.load(p[0])
		k.mul(zero, x, x)
		k.add(x, bad, bad)
	})
	result := GP64()
	XORQ(result, result)
	if k.isa == avx512 {
		m := K()
		pick(k, func() { VCMPPS(Imm(3), bad, bad, m) }, func() { VCMPPD(Imm(3), bad, bad, m) })()
		KMOVW(m, result.As32())
	} else {
		pick(k, func() { VCMPPS(Imm(3), bad, bad, bad) }, func() { VCMPPD(Imm(3), bad, bad, bad) })()
		VMOVMSKPS(bad, result.As32())
	}
	Store(result, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
