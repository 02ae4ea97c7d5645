package main

import (
	"github.com/mmcloughlin/avo/attr"
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

// tables holds the tables made so far.
var tables = map[string]Mem{}

// ones returns a table of sixteen elements of ones and sixteen of zeros, for the masks of AVX2, and addresses its middle.
func (k kind) ones() Mem {
	name := "ones" + string(k.element)
	half := sumLanes * k.size()
	if _, ok := tables[name]; !ok {
		tables[name] = GLOBL(name, attr.RODATA|attr.NOPTR)
		for at := 0; at < 2*half; at += 8 {
			v := U64(0)
			if at < half {
				v = ^v
			}
			DATA(at, v)
		}
	}
	return tables[name].Offset(half)
}

// first makes the mask of the first n lanes, 0 ≤ n ≤ 16 (of which there may be fewer).
func (k kind) first(n reg.GPVirtual) mask { return k.part(n, 0, k.width()) }

// part makes the mask of those of n elements that fall to the lanes of a register of that many bytes which begins at element at.
func (k kind) part(n reg.GPVirtual, at, bytes int) mask {
	if k.isa == avx2 {
		m := mask{kind: k, v: YMM()}
		back, middle := GP64(), GP64()
		LEAQ(k.ones().Offset(at*k.size()), middle)
		MOVQ(n, back)
		NEGQ(back)
		from := Mem{Base: middle, Index: back, Scale: uint8(k.size())}
		if bytes == 16 {
			m.v = XMM()
		}
		VMOVUPS(from, m.v)
		return m
	}
	m, all := mask{kind: k, k: K()}, GP64()
	MOVQ(U64(1), all)
	SHLXQ(n, all, all)
	DECQ(all)
	if at > 0 {
		SHRQ(Imm(uint64(at)), all)
	}
	KMOVW(all.As32(), m.k)
	return m
}

// load loads the lanes of the mask and makes the others 0. It touches no memory outside.
func (m mask) load(from Op, v reg.Register) {
	switch {
	case m.isa == avx512:
		pick(m.kind, func() { VMOVUPS_Z(from, m.k, v) }, func() { VMOVUPD_Z(from, m.k, v) })()
	default:
		pick(m.kind, func() { VMASKMOVPS(from, m.v, v) }, func() { VMASKMOVPD(from, m.v, v) })()
	}
}

// store stores the lanes of the mask.
func (m mask) store(v Op, to Op) {
	switch {
	case m.isa == avx512:
		pick(m.kind, func() { VMOVUPS(v, m.k, to) }, func() { VMOVUPD(v, m.k, to) })()
	default:
		pick(m.kind, func() { VMASKMOVPS(v, m.v, to) }, func() { VMASKMOVPD(v, m.v, to) })()
	}
}
