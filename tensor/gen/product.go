package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// products generates the product kernels. Those of one to three registers of columns have blocks of as many rows as there
// are registers for the sums; with AVX2, where stores under a mask are slow, a fourth takes the columns that are left over.
func products(k kind) {
	if k.isa == avx512 {
		for vectors := 1; vectors <= 3; vectors++ {
			product(k, fmt.Sprintf("product%dx", vectors), vectors, []int{8, 4, 2, 1}, true)
		}
		return
	}
	product(k, "product1x", 1, []int{8, 4, 2, 1}, false)
	product(k, "product2x", 2, []int{4, 2, 1}, false)
	product(k, "product3x", 3, []int{4, 2, 1}, false) // 4×3 sums, 3 of b and 1 of a: all 16 registers
	product(k, "productPart", 1, []int{8, 4, 2, 1}, true)
}

// tile is the state of a product kernel between two blocks of rows.
type tile struct {
	kind
	vectors        int
	masked         bool
	last           mask
	c, init, a     reg.GPVirtual
	rows           reg.GPVirtual
	r1, r3, r5, r7 reg.GPVirtual // multiples of the stride of a's rows
	aStep, bStep   reg.GPVirtual
}

// product generates the kernel for the given number of registers of columns. Rows are taken in blocks, the largest first.
func product(k kind, name string, vectors int, blocks []int, masked bool) {
	TEXT(k.name(name), NOSPLIT, "func(c, init, a, b "+k.pointer()+", cRow, initRow, aRow, aStep, bStep, rows, steps, last int)")
	Pragma("noescape")
	t := &tile{kind: k, vectors: vectors, masked: masked}
	doc := "all full"
	if masked {
		doc = "the last with last lanes"
		lanes := GP64()
		Load(Param("last"), lanes)
		t.last = k.first(lanes)
	}
	Doc(fmt.Sprintf("%s computes c[i][j] = init[i][j] + Σ_k a[i][k]·b[k][j] for %d registers of columns, %s.", k.name(name), vectors, doc),
		"Strides are in bytes.")
	t.c, t.init, t.a, t.rows = GP64(), GP64(), GP64(), GP64()
	Load(Param("c"), t.c)
	Load(Param("init"), t.init)
	Load(Param("a"), t.a)
	Load(Param("rows"), t.rows)
	t.aStep, t.bStep = GP64(), GP64()
	Load(Param("aStep"), t.aStep)
	Load(Param("bStep"), t.bStep)
	t.r1, t.r3, t.r5, t.r7 = GP64(), GP64(), GP64(), GP64()
	Load(Param("aRow"), t.r1)
	LEAQ(Mem{Base: t.r1, Index: t.r1, Scale: 2}, t.r3)
	if blocks[0] == 8 {
		LEAQ(Mem{Base: t.r1, Index: t.r1, Scale: 4}, t.r5)
		LEAQ(Mem{Base: t.r3, Index: t.r1, Scale: 4}, t.r7)
	}
	for i, rows := range blocks {
		t.block(rows, vectors == 3 && i == 0)
	}
	VZEROUPPER()
	RET()
}

// block generates the loop over full blocks of rows, which may fetch ahead.
func (t *tile) block(rows int, ahead bool) {
	label := fmt.Sprintf("rows%d", rows)
	Label(label)
	CMPQ(t.rows, Imm(uint64(rows)))
	JLT(LabelRef(label + "end"))
	sums := t.start(rows)
	t.steps(rows, sums, ahead)
	t.finish(sums)
	t.advance(rows)
	SUBQ(Imm(uint64(rows)), t.rows)
	JMP(LabelRef(label))
	Label(label + "end")
}

// start loads the initial sums.
func (t *tile) start(rows int) [][]reg.VecVirtual {
	stride := GP64()
	Load(Param("initRow"), stride)
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		for v := range t.vectors {
			s := t.vec()
			from := Mem{Base: t.init, Disp: v * t.width()}
			if t.masked && v == t.vectors-1 {
				t.last.load(from, s)
			} else {
				t.load(from, s)
			}
			sums[i] = append(sums[i], s)
		}
		ADDQ(stride, t.init)
	}
	return sums
}

// steps generates the loop over k. Ahead is the same row of the next panel of b: it comes to the second-level cache while this one is used,
// which matters most where another core has used it last.
func (t *tile) steps(rows int, sums [][]reg.VecVirtual, ahead bool) {
	a, b, n := GP64(), GP64(), GP64()
	MOVQ(t.a, a)
	Load(Param("b"), b)
	Load(Param("steps"), n)
	panel := GP64()
	if ahead {
		MOVQ(t.bStep, panel)
		IMULQ(n, panel)
	}
	label := fmt.Sprintf("steps%d", rows)
	TESTQ(n, n)
	JZ(LabelRef(label + "end"))
	Label(label)
	bs := make([]reg.VecVirtual, t.vectors)
	for v := range bs {
		bs[v] = t.vec()
		from := Mem{Base: b, Disp: v * t.width()}
		if t.masked && v == t.vectors-1 {
			t.last.load(from, bs[v])
		} else {
			t.load(from, bs[v])
		}
	}
	for i := range rows {
		x := t.vec()
		t.broadcast(t.row(a, i), x)
		for v := range bs {
			t.fma(x, bs[v], sums[i][v])
		}
	}
	if ahead {
		for line := 0; line < t.vectors*t.width(); line += 64 {
			PREFETCHT1(Mem{Base: b, Index: panel, Scale: 1, Disp: line})
		}
	}
	ADDQ(t.aStep, a)
	ADDQ(t.bStep, b)
	DECQ(n)
	JNZ(LabelRef(label))
	Label(label + "end")
}

// row addresses a's row i of a block whose row 0 is at base.
func (t *tile) row(base reg.GPVirtual, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 1, 2, 4:
		return Mem{Base: base, Index: t.r1, Scale: uint8(i)}
	case 3, 6:
		return Mem{Base: base, Index: t.r3, Scale: uint8(i / 3)}
	case 5:
		return Mem{Base: base, Index: t.r5, Scale: 1}
	}
	return Mem{Base: base, Index: t.r7, Scale: 1}
}

// finish stores the sums.
func (t *tile) finish(sums [][]reg.VecVirtual) {
	stride := GP64()
	Load(Param("cRow"), stride)
	for i := range sums {
		for v, s := range sums[i] {
			to := Mem{Base: t.c, Disp: v * t.width()}
			if t.masked && v == t.vectors-1 {
				t.last.store(s, to)
			} else {
				t.store(s, to)
			}
		}
		ADDQ(stride, t.c)
	}
}

// advance moves a on by a block.
func (t *tile) advance(rows int) {
	LEAQ(Mem{Base: t.a, Index: t.r1, Scale: uint8(rows)}, t.a)
}

// peak generates a loop of independent multiply-adds in registers: the most that this instruction set can do.
func peak(k kind) {
	TEXT(k.name("peak"), NOSPLIT, "func(rounds int)")
	Doc(fmt.Sprintf("rounds times %d multiply-adds of registers, none of which waits for another.", peakChains))
	n := GP64()
	Load(Param("rounds"), n)
	x := k.vec()
	k.zero(x)
	sums := make([]reg.VecVirtual, peakChains)
	for i := range sums {
		sums[i] = k.vec()
		k.zero(sums[i])
	}
	Label("round")
	for _, s := range sums {
		k.fma(x, x, s)
	}
	DECQ(n)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}

const peakChains = 12
