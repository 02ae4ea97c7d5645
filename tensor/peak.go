package tensor

// Peak makes rounds of multiply-adds in registers, none of which waits for another, at the level in force, and returns the number
// of floating-point operations that it made: over the time that it took, the most that products can reach; nothing for fewer rounds than one. For benchmarks.
func Peak[T Float](rounds int) (flops float64) {
	if rounds < 1 {
		return 0 // the kernels count down to 0 from there
	}
	if lanes := machinePeak[T](rounds); lanes > 0 {
		const chains = 12
		return 2 * chains * float64(lanes) * float64(rounds)
	}
	const chains = 8
	var s [chains]T
	// Eight products of four numbers, lest the compiler compute one for all.
	a, b, c, d := T(rounds), T(rounds+1), T(rounds+2), T(rounds+3)
	s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	for range rounds {
		s0, s1, s2, s3 = s0+T(a*b), s1+T(a*c), s2+T(a*d), s3+T(b*c)
		s4, s5, s6, s7 = s4+T(b*d), s5+T(c*d), s6+T(a*a), s7+T(b*b)
	}
	if s0+s1+s2+s3+s4+s5+s6+s7 < 0 {
		panic("tensor: products of positive numbers below 0")
	}
	return 2 * chains * float64(rounds)
}
