package sweep

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// Streams of the sample's seed: of the shifts of the Sobol sequence and of independent points.
const (
	shiftStream = iota << 48
	pointStream
	moreStream // and those after it: of the coordinates of independent points from sobolDims on, one each
)

// coordinate returns coordinate dim of point i: the middle of one of 2³² equal parts of (0, 1).
func (s *Sample) coordinate(i, dim int) float64 {
	var k uint32
	switch {
	case s.Method == "sobol":
		// The same bits flipped in a coordinate of all points leave them as even as they were, and move them off the corner.
		k = sobol(uint32(i), dim) ^ draw(s.Seed, shiftStream+uint64(dim))
	case dim < sobolDims:
		k = draw(s.Seed, pointStream+uint64(i)*sobolDims+uint64(dim))
	default:
		k = draw(s.Seed, moreStream+uint64(dim-sobolDims)<<48+uint64(i))
	}
	return (float64(k) + 0.5) / (1 << 32)
}

// draw returns the first number of a stream of the seed.
func draw(seed, stream uint64) uint32 { return uint32(rand.NewPCG(seed, stream).Uint64() >> 32) }

// at returns the value at u of (0, 1), as text.
func (g *Range) at(u float64) string {
	switch g.Kind {
	case "choice":
		return g.Values[int(u*float64(len(g.Values)))].Text
	case "int":
		return strconv.FormatFloat(g.Low+math.Floor(u*(g.High-g.Low+1)), 'f', -1, 64)
	case "log-uniform":
		return g.text(math.Exp(math.Log(g.Low) + u*(math.Log(g.High)-math.Log(g.Low))))
	}
	return g.text(g.Low + u*(g.High-g.Low))
}

// text rounds to six significant digits, and not out of the range.
func (g *Range) text(v float64) string {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // never out of range
	return strconv.FormatFloat(min(max(v, g.Low), g.High), 'g', -1, 64)
}
