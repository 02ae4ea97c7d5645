package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// number returns a constant in all lanes, in memory: kernels have more of them than AVX2 has registers.
func number(x float64) Mem { return bits(math.Float32bits(float32(x))) }

// bits is number by its bits.
func bits(b uint32) Mem {
	name := fmt.Sprintf("all%08x", b)
	if _, ok := tables[name]; !ok {
		tables[name] = GLOBL(name, attr.RODATA|attr.NOPTR)
		for at := 0; at < 64; at += 4 {
			DATA(at, U32(b))
		}
	}
	return tables[name]
}

const (
	signBit = 1 << 31
	noSign  = signBit - 1
	// magic has a last bit of 1 in float32: x + magic rounds x to an integer, which stands in the low bits.
	magic = 3 << 22
)
