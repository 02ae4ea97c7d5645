package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose generates the transposition of bands of 8 rows, for packing. All bands of eight columns come before the next eight: what
// they become are whole lines of the cache.
func transpose(k kind) {
	TEXT(k.name("transpose"), NOSPLIT, "func(dst, src *float32, dstRow, srcRow, blocks, bands int)")
	Pragma("noescape")
	Doc(k.name("transpose")+" transposes bands of 8 rows of src, 8 columns to a block: column j of src becomes row j of dst.", "Strides are in bytes.")
	dst, src, d1, s1, n := GP64(), GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("dstRow"), d1)
	Load(Param("srcRow"), s1)
	Load(Param("blocks"), n)
	Label("block")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	at, to, from, bands := GP64(), GP64(), GP64(), GP64()
	MOVQ(src, at)
	MOVQ(dst, from)
	Load(Param("bands"), bands)
	Label("band")
	MOVQ(from, to)
	rows := make([]reg.VecVirtual, 8)
	for i := range rows {
		rows[i] = YMM()
		VMOVUPS(Mem{Base: at}, rows[i])
		ADDQ(s1, at)
	}
	for _, col := range columns(rows) {
		VMOVUPS(col, Mem{Base: to})
		ADDQ(d1, to)
	}
	ADDQ(Imm(32), from)
	DECQ(bands)
	JNZ(LabelRef("band"))
	LEAQ(Mem{Base: dst, Index: d1, Scale: 8}, dst)
	ADDQ(Imm(32), src)
	DECQ(n)
	JMP(LabelRef("block"))
	Label("done")
	VZEROUPPER()
	RET()
}

// panel generates the copy of a full panel, for packing.
func panel(k kind) {
	TEXT(k.name("panel"), NOSPLIT, "func(dst, src "+k.pointer()+", srcRow, rows int)")
	Pragma("noescape")
	Doc(k.name("panel")+" copies three registers of each row of src, one row behind the other.", "The stride is in bytes.")
	dst, src, stride, n := GP64(), GP64(), GP64(), GP64()
	Load(Param("dst"), dst)
	Load(Param("src"), src)
	Load(Param("srcRow"), stride)
	Load(Param("rows"), n)
	Label("row")
	for v := range 3 {
		x := k.vec()
		k.load(Mem{Base: src, Disp: v * k.width()}, x)
		k.store(x, Mem{Base: dst, Disp: v * k.width()})
	}
	ADDQ(stride, src)
	ADDQ(Imm(uint64(3*k.width())), dst)
	DECQ(n)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// columns returns the columns of the 8×8 block of these rows: pairs, then fours, then halves change places.
func columns(rows []reg.VecVirtual) []reg.VecVirtual {
	pairs, fours, cols := make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8), make([]reg.VecVirtual, 8)
	for i := 0; i < 8; i += 2 {
		pairs[i], pairs[i+1] = YMM(), YMM()
		VUNPCKLPS(rows[i+1], rows[i], pairs[i])
		VUNPCKHPS(rows[i+1], rows[i], pairs[i+1])
	}
	for _, h := range []int{0, 4} {
		for i := range 4 {
			fours[h+i] = YMM()
			VSHUFPS(Imm([]uint64{0x44, 0xee}[i%2]), pairs[h+2+i/2], pairs[h+i/2], fours[h+i])
		}
	}
	for i := range 4 {
		cols[i], cols[4+i] = YMM(), YMM()
		VPERM2F128(Imm(0x20), fours[4+i], fours[i], cols[i])
		VPERM2F128(Imm(0x31), fours[4+i], fours[i], cols[4+i])
	}
	return cols
}
