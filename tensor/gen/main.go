// Command gen writes the amd64 kernels of package tensor: go generate ./tensor.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("amd64,!noasm")
	for _, k := range []kind{{avx512, single}, {avx2, single}, {avx512, double}, {avx2, double}} {
		products(k)
		peak(k)
		panel(k)
		elementwise(k)
		steps(k)
		sums(k)
		if k.element == single {
			activations(k)
		}
	}
	transpose(kind{avx2, single})
	Generate()
}
