// Package ulp measures the error of approximations in float32.
package ulp

import "math"

// smallest is the exponent of the smallest float32 above 0.
const smallest = -149

// Error returns |got − want| in units in the last place of a float32 of the size of want, which for 0 and subnormals is the smallest
// float32; 0 if got is want rounded, or both are infinite, and NaN if one is.
func Error(got float32, want float64) float64 {
	if float64(got) == want || float32(want) == got {
		return 0
	}
	unit := smallest
	if want != 0 {
		_, e := math.Frexp(want)
		unit = max(e-24, smallest)
	}
	return math.Abs(float64(got)-want) / math.Ldexp(1, unit)
}
