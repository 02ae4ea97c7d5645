package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mask selects the first lanes of a register: a mask register, or with AVX2 a register of ones and zeros.
type mask struct {
	kind
	k reg.OpmaskVirtual
	v reg.VecVirtual
}

var windows = map[element]Mem{}

// ones returns a table of a register of ones and one of zeros, for AVX2.
func (k kind) ones() Mem {
	if w, ok := windows[k.element]; ok {
		return w
	}
	w := GLOBL("ones"+string(k.element), 8|16) // RODATA | NOPTR
	for i := range 8 {
		v := U64(0)
		if i < 4 {
			v = ^U64(0)
		}
		DATA(8*i, v)
	}
	windows[k.element] = w
	return w
}

// first makes the mask of the first n lanes, 0 ≤ n ≤ lanes; n is spoilt.
func (k kind) first(n reg.GPVirtual) mask {
	if k.isa == avx2 {
		m := mask{kind: k, v: YMM()}
		end, base := GP64(), GP64()
		LEAQ(k.ones().Offset(32), base)
		MOVQ(n, end)
		NEGQ(end)
		VMOVDQU(Mem{Base: base, Index: end, Scale: uint8(k.size())}, m.v)
		return m
	}
	m, all := mask{kind: k, k: K()}, GP64()
	MOVQ(U64(1), all)
	SHLXQ(n, all, all)
	DECQ(all)
	KMOVW(all.As32(), m.k)
	return m
}

// load loads the lanes of the mask and makes the others 0. It touches no memory outside.
func (m mask) load(from Op, v reg.VecVirtual) {
	switch {
	case m.isa == avx512:
		pick(m.kind, func() { VMOVUPS_Z(from, m.k, v) }, func() { VMOVUPD_Z(from, m.k, v) })()
	default:
		pick(m.kind, func() { VMASKMOVPS(from, m.v, v) }, func() { VMASKMOVPD(from, m.v, v) })()
	}
}

// store stores the lanes of the mask.
func (m mask) store(v reg.VecVirtual, to Op) {
	switch {
	case m.isa == avx512:
		pick(m.kind, func() { VMOVUPS(v, m.k, to) }, func() { VMOVUPD(v, m.k, to) })()
	default:
		pick(m.kind, func() { VMASKMOVPS(v, m.v, to) }, func() { VMASKMOVPD(v, m.v, to) })()
	}
}
