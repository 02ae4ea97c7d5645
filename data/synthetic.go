package data

import (
	"math"
	"math/rand/v2"
)

// Synthetic returns a set of n training and max(classes, n/4) test images that a linear classifier can learn without an
// error, for tests and first steps. The same arguments give the same bytes.
//
// Class c has a prototype p_c of uniform random bytes; sample i is of class i mod classes: its prototype plus uniform
// noise of ±a in each pixel. With d = p_b − p_c, the nearest prototype is the right one as long as a‖d‖₁ < ½‖d‖₂² for
// all pairs; a is 0.9 times that limit. Nearest prototype is a linear rule, argmax_c p_cᵀx − ½‖p_c‖². (Two prototypes
// may coincide where images of very few pixels have many classes.)
//
// It panics if there is no pixel, or fewer than two classes, or more than 256, or fewer images than classes.
func Synthetic(seed uint64, n, rows, cols, classes int) *Set {
	if rows < 1 || cols < 1 || classes < 2 || classes > 256 || n < classes {
		panic("data: no such synthetic set")
	}
	source := rand.NewPCG(seed, 0)
	prototypes := make([]byte, classes*rows*cols)
	for i := range prototypes {
		prototypes[i] = byte(below(source, 256))
	}
	p := Split{Images: prototypes, Labels: make([]uint8, classes)}
	noise := separation(p)
	s, err := New("synthetic", Size{rows, cols, 1}, scatter(source, p, n, noise), scatter(source, p, max(classes, n/4), noise))
	if err != nil {
		panic("data: synthetic set without variation")
	}
	return s
}

// separation returns the amplitude of the noise.
func separation(prototypes Split) int {
	limit := 127.0
	for b := range prototypes.N() {
		for c := range b {
			var l1, l2 float64
			for i, v := range prototypes.Image(b) {
				d := float64(v) - float64(prototypes.Image(c)[i])
				l1 += math.Abs(d)
				l2 += d * d
			}
			if l1 > 0 {
				limit = min(limit, 0.9*l2/(2*l1))
			}
		}
	}
	return int(limit)
}

// scatter draws n samples around the prototypes.
func scatter(source *rand.PCG, prototypes Split, n, noise int) Split {
	var p Split
	for i := range n {
		c := i % prototypes.N()
		for _, v := range prototypes.Image(c) {
			v := int(v) + below(source, 2*noise+1) - noise
			p.Images = append(p.Images, byte(min(max(v, 0), 255)))
		}
		p.Labels = append(p.Labels, uint8(c))
	}
	return p
}
