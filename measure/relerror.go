package measure

import (
	"encoding/json"
	"math"

	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// RelError is max|a − b| / max(1e−300, max|b|) of a computed array a and a reference b. It is NaN where a holds one, and
// may be infinite; JSON has neither, and gets null.
type RelError float64

// MarshalJSON writes a number or null.
func (e RelError) MarshalJSON() ([]byte, error) {
	v := float64(e)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads what MarshalJSON wrote, null as NaN.
func (e *RelError) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*e = RelError(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(e))
}

// relError compares a matrix with a list of rows.
func relError[T tensor.Float](a tensor.Matrix[T], b [][]float64) RelError {
	diff, scale := 0.0, 1e-300
	for i, row := range b {
		for j, v := range row {
			// The builtin max hands a NaN on.
			diff = max(diff, math.Abs(float64(a.Row(i)[j])-v))
			scale = max(scale, math.Abs(v))
		}
	}
	return RelError(diff / scale)
}

func relScalar(a, b float64) RelError { return RelError(math.Abs(a-b) / max(1e-300, math.Abs(b))) }

// relLayers compares the layers of a point (activities of the free layers side by side) with a list of arrays.
func relLayers[T tensor.Float](p tensor.Matrix[T], dims []int, want [][][]float64) RelError {
	worst, col := RelError(0), 0
	for i, b := range want {
		worst = max(worst, relError(p.ColsOf(col, col+dims[i+1]), b))
		col += dims[i+1]
	}
	return worst
}

// relParams compares a gradient laid out like θ with lists of weight and bias gradients.
func relParams[T tensor.Float](net *nn.Network[T], grad []T, w [][][]float64, b [][]float64) RelError {
	worst := RelError(0)
	for l := 1; l <= net.L(); l++ {
		in, out := net.Layers[l-1].Dims()
		part := net.Of(l, grad)
		worst = max(worst, relError(tensor.Of(out, in, part[:in*out]), w[l-1]))
		worst = max(worst, relError(tensor.Of(1, out, part[in*out:]), b[l-1:l]))
	}
	return worst
}
