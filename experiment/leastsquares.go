package experiment

import (
	"errors"
	"math"
	"math/bits"

	"github.com/settle-pc/settle/data"
)

// LinearOptimum is the lowest MSE that a linear map without bias reaches on the training images of a set with one-hot
// targets: min over W of Σ‖y − Wx‖²/(N·Classes), by the normal equations in float64. No linear network does better,
// however deep.
func LinearOptimum(set *data.Set) (float64, error) {
	if set.Task != data.Classes {
		return 0, errors.New("experiment: the linear optimum is of classification")
	}
	n, classes := set.Inputs, set.Classes
	gram, sums, byClass, count := pixelSums(set)
	N := float64(set.Train.N())
	mean, scale := set.Mean*255, 1/(set.Std*255)
	a, b := make([]float64, n*n), make([]float64, n*classes)
	trace := 0.0
	for i := range n {
		for j := range i + 1 {
			a[i*n+j] = scale * scale * (float64(gram[i*n+j]) - mean*(float64(sums[i])+float64(sums[j])) + N*mean*mean)
		}
		trace += a[i*n+i]
		for c := range classes {
			b[i*classes+c] = scale * (float64(byClass[i*classes+c]) - mean*float64(count[c]))
		}
	}
	// Pixels that are never inked are all the same input, so that A is singular: a ridge far below every eigenvalue that
	// matters makes it definite, and changes the minimum by about as much of itself.
	const ridge = 1e-9
	for i := range n {
		a[i*n+i] += ridge * trace / float64(n)
	}
	if !factor(a, n) {
		return 0, errors.New("experiment: the pixels have no positive definite Gram matrix")
	}
	explained := 0.0 // Σ over classes of bᵀA⁻¹b = ‖L⁻¹b‖²
	x := make([]float64, n)
	for c := range classes {
		for i := range n {
			v := b[i*classes+c]
			for k := range i {
				v -= float64(a[i*n+k] * x[k])
			}
			x[i] = v / a[i*n+i]
			explained += x[i] * x[i]
		}
	}
	return (N - explained) / (N * float64(classes)), nil
}

// factor overwrites the lower triangle of the symmetric n×n matrix a with L, a = L Lᵀ (Golub & Van Loan 2013, Alg. 4.2.1),
// and reports whether a is positive definite.
func factor(a []float64, n int) bool {
	for j := range n {
		d := a[j*n+j]
		for k := range j {
			d -= float64(a[j*n+k] * a[j*n+k])
		}
		if !(d > 0) {
			return false
		}
		a[j*n+j] = math.Sqrt(d)
		for i := j + 1; i < n; i++ {
			v := a[i*n+j]
			for k := range j {
				v -= float64(a[i*n+k] * a[j*n+k])
			}
			a[i*n+j] = v / a[j*n+j]
		}
	}
	return true
}

// pixelSums returns Σ p_i p_j (lower triangle), Σ p_i, Σ p_i of each class, and the number of images of each, over the
// training images: whole numbers, so that nothing is rounded. Only inked pixels are visited.
func pixelSums(set *data.Set) (gram, sums, byClass []uint64, count []int) {
	n := set.Inputs
	if bits.Len(uint(set.Train.N())) > 64-16 {
		panic("experiment: too many images for sums of whole numbers")
	}
	gram, sums, byClass, count = make([]uint64, n*n), make([]uint64, n), make([]uint64, n*set.Classes), make([]int, set.Classes)
	inked := make([]int, 0, n)
	for s := range set.Train.N() {
		image, c := set.Train.Image(s), int(set.Train.Labels[s])
		count[c]++
		inked = inked[:0]
		for i, v := range image {
			if v == 0 {
				continue
			}
			sums[i] += uint64(v)
			byClass[i*set.Classes+c] += uint64(v)
			inked = append(inked, i)
			row := gram[i*n : i*n+n]
			for _, j := range inked {
				row[j] += uint64(v) * uint64(image[j])
			}
		}
	}
	return gram, sums, byClass, count
}
