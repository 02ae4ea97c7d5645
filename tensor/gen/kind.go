package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set, named as its level.
type isa string

const (
	avx2   isa = "AVX2"   // with FMA: 16 registers of 32 bytes
	avx512 isa = "AVX512" // F, BW, DQ, VL: 32 registers of 64 bytes
)

// element is a type of element, named by its number of bits.
type element string

const (
	single element = "32"
	double element = "64"
)

// kind is what a kernel is generated for.
type kind struct {
	isa
	element
}

// name makes the name of a kernel, as in tanh32AVX2.
func (k kind) name(base string) string { return base + string(k.element) + string(k.isa) }

// pointer is the Go type of a pointer to an element.
func (k kind) pointer() string { return "*float" + string(k.element) }

// size is that of an element, in bytes.
func (k kind) size() int {
	if k.element == single {
		return 4
	}
	return 8
}

// width is that of a register, in bytes.
func (k kind) width() int {
	if k.isa == avx2 {
		return 32
	}
	return 64
}

// lanes is the number of elements of a register.
func (k kind) lanes() int { return k.width() / k.size() }

// vec returns a register.
func (k kind) vec() reg.VecVirtual {
	if k.isa == avx2 {
		return YMM()
	}
	return ZMM()
}

// pick emits the instruction for the type of element.
func pick[F any](k kind, s, d F) F {
	if k.element == single {
		return s
	}
	return d
}

func (k kind) load(m Op, v reg.VecVirtual)  { pick(k, vmovups, vmovupd)(m, v) }
func (k kind) store(v reg.VecVirtual, m Op) { pick(k, vmovups, vmovupd)(v, m) }

func vmovups(a, b Op) { VMOVUPS(a, b) }
func vmovupd(a, b Op) { VMOVUPD(a, b) }

func (k kind) broadcast(m Op, v reg.VecVirtual) {
	pick(k, func() { VBROADCASTSS(m, v) }, func() { VBROADCASTSD(m, v) })()
}

// zero makes v 0.
func (k kind) zero(v reg.VecVirtual) {
	if k.isa == avx2 {
		VXORPS(v, v, v)
	} else {
		VPXORD(v, v, v)
	}
}

// fma is c += a·b, rounded once.
func (k kind) fma(a, b, c Op) {
	pick(k, func() { VFMADD231PS(a, b, c) }, func() { VFMADD231PD(a, b, c) })()
}
