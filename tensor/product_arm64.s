//go:build !noasm

#include "textflag.h"

// The kernels compute c[i][j] = init[i][j] + Σ_k a[i][k]·b[k][j] for 16, 4 or 1 columns, in blocks of four rows and then single
// ones. Strides are in bytes. A step of k loads a row of b and, in all lanes, one element of each row of a.
//
// R0 c, R1 init, R2 a, R3 b, R4 to R8 strides of c, init, a's rows, a's steps and b, R9 rows, R10 to R13 rows of a, R14 steps;
// V0 to V15 sums, V16 to V19 b, V20 to V23 a.

#define ARGUMENTS \
	MOVD c+0(FP), R0 \
	MOVD init+8(FP), R1 \
	MOVD a+16(FP), R2 \
	MOVD cRow+32(FP), R4 \
	MOVD initRow+40(FP), R5 \
	MOVD aRow+48(FP), R6 \
	MOVD aStep+56(FP), R7 \
	MOVD bStep+64(FP), R8 \
	MOVD rows+72(FP), R9

// func product16NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)
TEXT ·product16NEON(SB), NOSPLIT, $0-88
	ARGUMENTS

rows4:
	CMP $4, R9
	BLT rows1
	VLD1 (R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R5, R1
	VLD1 (R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	ADD  R5, R1
	VLD1 (R1), [V8.S4, V9.S4, V10.S4, V11.S4]
	ADD  R5, R1
	VLD1 (R1), [V12.S4, V13.S4, V14.S4, V15.S4]
	ADD  R5, R1
	MOVD R2, R10
	ADD  R6, R10, R11
	ADD  R6, R11, R12
	ADD  R6, R12, R13
	MOVD b+24(FP), R3
	MOVD steps+80(FP), R14
	CBZ  R14, store4

step4:
	VLD1  (R3), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD   R8, R3
	VLD1R (R10), [V20.S4]
	ADD   R7, R10
	VLD1R (R11), [V21.S4]
	ADD   R7, R11
	VLD1R (R12), [V22.S4]
	ADD   R7, R12
	VLD1R (R13), [V23.S4]
	ADD   R7, R13
	VFMLA V20.S4, V16.S4, V0.S4
	VFMLA V20.S4, V17.S4, V1.S4
	VFMLA V20.S4, V18.S4, V2.S4
	VFMLA V20.S4, V19.S4, V3.S4
	VFMLA V21.S4, V16.S4, V4.S4
	VFMLA V21.S4, V17.S4, V5.S4
	VFMLA V21.S4, V18.S4, V6.S4
	VFMLA V21.S4, V19.S4, V7.S4
	VFMLA V22.S4, V16.S4, V8.S4
	VFMLA V22.S4, V17.S4, V9.S4
	VFMLA V22.S4, V18.S4, V10.S4
	VFMLA V22.S4, V19.S4, V11.S4
	VFMLA V23.S4, V16.S4, V12.S4
	VFMLA V23.S4, V17.S4, V13.S4
	VFMLA V23.S4, V18.S4, V14.S4
	VFMLA V23.S4, V19.S4, V15.S4
	SUBS  $1, R14
	BNE   step4

store4:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	ADD  R4, R0
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	ADD  R4, R0
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (R0)
	ADD  R4, R0
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (R0)
	ADD  R4, R0
	ADD  R6<<2, R2
	SUB  $4, R9
	B    rows4

rows1:
	CMP $1, R9
	BLT done
	VLD1 (R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	ADD  R5, R1
	MOVD R2, R10
	MOVD b+24(FP), R3
	MOVD steps+80(FP), R14
	CBZ  R14, store1

step1:
	VLD1  (R3), [V16.S4, V17.S4, V18.S4, V19.S4]
	ADD   R8, R3
	VLD1R (R10), [V20.S4]
	ADD   R7, R10
	VFMLA V20.S4, V16.S4, V0.S4
	VFMLA V20.S4, V17.S4, V1.S4
	VFMLA V20.S4, V18.S4, V2.S4
	VFMLA V20.S4, V19.S4, V3.S4
	SUBS  $1, R14
	BNE   step1

store1:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R0)
	ADD  R4, R0
	ADD  R6, R2
	SUB  $1, R9
	B    rows1

done:
	RET

// func product4NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)
TEXT ·product4NEON(SB), NOSPLIT, $0-88
	ARGUMENTS

rows4:
	CMP $4, R9
	BLT rows1
	VLD1 (R1), [V0.S4]
	ADD  R5, R1
	VLD1 (R1), [V1.S4]
	ADD  R5, R1
	VLD1 (R1), [V2.S4]
	ADD  R5, R1
	VLD1 (R1), [V3.S4]
	ADD  R5, R1
	MOVD R2, R10
	ADD  R6, R10, R11
	ADD  R6, R11, R12
	ADD  R6, R12, R13
	MOVD b+24(FP), R3
	MOVD steps+80(FP), R14
	CBZ  R14, store4

step4:
	VLD1  (R3), [V16.S4]
	ADD   R8, R3
	VLD1R (R10), [V20.S4]
	ADD   R7, R10
	VLD1R (R11), [V21.S4]
	ADD   R7, R11
	VLD1R (R12), [V22.S4]
	ADD   R7, R12
	VLD1R (R13), [V23.S4]
	ADD   R7, R13
	VFMLA V20.S4, V16.S4, V0.S4
	VFMLA V21.S4, V16.S4, V1.S4
	VFMLA V22.S4, V16.S4, V2.S4
	VFMLA V23.S4, V16.S4, V3.S4
	SUBS  $1, R14
	BNE   step4

store4:
	VST1 [V0.S4], (R0)
	ADD  R4, R0
	VST1 [V1.S4], (R0)
	ADD  R4, R0
	VST1 [V2.S4], (R0)
	ADD  R4, R0
	VST1 [V3.S4], (R0)
	ADD  R4, R0
	ADD  R6<<2, R2
	SUB  $4, R9
	B    rows4

rows1:
	CMP $1, R9
	BLT done
	VLD1 (R1), [V0.S4]
	ADD  R5, R1
	MOVD R2, R10
	MOVD b+24(FP), R3
	MOVD steps+80(FP), R14
	CBZ  R14, store1

step1:
	VLD1  (R3), [V16.S4]
	ADD   R8, R3
	VLD1R (R10), [V20.S4]
	ADD   R7, R10
	VFMLA V20.S4, V16.S4, V0.S4
	SUBS  $1, R14
	BNE   step1

store1:
	VST1 [V0.S4], (R0)
	ADD  R4, R0
	ADD  R6, R2
	SUB  $1, R9
	B    rows1

done:
	RET

// func product1NEON(c, init, a, b *float32, cRow, initRow, aRow, aStep, bStep, rows, steps int)
TEXT ·product1NEON(SB), NOSPLIT, $0-88
	ARGUMENTS

row:
	CBZ   R9, done
	FMOVS (R1), F0
	ADD   R5, R1
	MOVD  R2, R10
	MOVD  b+24(FP), R3
	MOVD  steps+80(FP), R14
	CBZ   R14, store

step:
	FMOVS  (R3), F16
	ADD    R8, R3
	FMOVS  (R10), F20
	ADD    R7, R10
	FMADDS F20, F0, F16, F0
	SUBS   $1, R14
	BNE    step

store:
	FMOVS F0, (R0)
	ADD   R4, R0
	ADD   R6, R2
	SUB   $1, R9
	B     row

done:
	RET

// func peakNEON(rounds int)
TEXT ·peakNEON(SB), NOSPLIT, $0-8
	MOVD rounds+0(FP), R0
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16
	VEOR V8.B16, V8.B16, V8.B16
	VEOR V9.B16, V9.B16, V9.B16
	VEOR V10.B16, V10.B16, V10.B16
	VEOR V11.B16, V11.B16, V11.B16
	VEOR V16.B16, V16.B16, V16.B16

round:
	VFMLA V16.S4, V16.S4, V0.S4
	VFMLA V16.S4, V16.S4, V1.S4
	VFMLA V16.S4, V16.S4, V2.S4
	VFMLA V16.S4, V16.S4, V3.S4
	VFMLA V16.S4, V16.S4, V4.S4
	VFMLA V16.S4, V16.S4, V5.S4
	VFMLA V16.S4, V16.S4, V6.S4
	VFMLA V16.S4, V16.S4, V7.S4
	VFMLA V16.S4, V16.S4, V8.S4
	VFMLA V16.S4, V16.S4, V9.S4
	VFMLA V16.S4, V16.S4, V10.S4
	VFMLA V16.S4, V16.S4, V11.S4
	SUBS  $1, R0
	BNE   round
	RET
