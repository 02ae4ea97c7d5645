package data

import "math"

// Task is what a network is to make of an image.
type Task uint8

// The tasks: the label, one-hot; the pixels themselves, normalised; four moments of the ink.
const (
	Classes Task = iota
	Pixels
	Moments
)

// Outputs is how many numbers a target of the set would have.
func (t Task) Outputs(s *Set) int {
	return [...]int{s.Classes, s.Inputs, momentCount}[t]
}

// Targets names the numbers of a target.
func (t Task) Targets() string {
	return [...]string{"classes", "pixels", "moments"}[t]
}

// For returns the set with the targets of a task, which are made anew even where the set's own are of that task.
func (s *Set) For(t Task) *Set {
	switch t {
	case Pixels:
		return s.Autoencoding()
	case Moments:
		return s.Regression()
	}
	out := *s
	out.Task, out.Outputs, out.Units = Classes, s.Classes, nil
	out.Train.Targets, out.Test.Targets = nil, nil
	return &out
}

// Autoencoding returns the set with every image as its own target, sharing its bytes.
func (s *Set) Autoencoding() *Set {
	out := *s
	out.Task, out.Outputs, out.Units = Pixels, s.Inputs, nil
	return &out
}

// momentCount is the number of targets of Regression.
const momentCount = 4

// Unit says what a standardised target v was: Mean + Std·v.
type Unit struct{ Mean, Std float64 }

// MomentNames are those of the targets of Regression.
func MomentNames() []string { return []string{"ink", "width", "height", "slant"} }

// Regression returns the set with four numbers for each image as its target, sharing its bytes: with the pixels v as
// weights, their channels alike, the mean of v, the standard deviations of column and row, and the slant, their covariance
// over the variance of the row. Each has mean 0 and variance 1 over the training images; Units keeps what they were. Images without ink have all their
// deviations and their slant at 0.
func (s *Set) Regression() *Set {
	out := *s
	out.Task, out.Outputs, out.Units = Moments, momentCount, nil
	train, test := s.momentsOf(s.Train), s.momentsOf(s.Test)
	for k := range momentCount {
		mean, squares, n := 0.0, 0.0, float64(s.Train.N())
		for i := k; i < len(train); i += momentCount {
			mean += train[i] / n
		}
		for i := k; i < len(train); i += momentCount {
			squares += (train[i] - mean) * (train[i] - mean) / n
		}
		deviation := math.Sqrt(squares)
		if deviation == 0 {
			deviation = 1
		}
		out.Units = append(out.Units, Unit{mean, deviation})
		for _, v := range [][]float64{train, test} {
			for i := k; i < len(v); i += momentCount {
				v[i] = (v[i] - mean) / deviation
			}
		}
	}
	out.Train.Targets, out.Test.Targets = narrow(train), narrow(test)
	return &out
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// momentsOf returns the moments of every image before they are standardised.
func (s *Set) momentsOf(p Split) []float64 {
	out := make([]float64, 0, momentCount*p.N())
	for i := range p.N() {
		m := s.moments(p.Image(i))
		out = append(out, m[:]...)
	}
	return out
}

func (s *Set) moments(image []byte) [momentCount]float64 {
	var ink, x, y, xx, yy, xy float64
	for at, b := range image {
		if b == 0 {
			continue
		}
		v, c, r := float64(b)/255, float64(at/s.Channels%s.Cols), float64(at/s.Channels/s.Cols)
		ink += v
		x += v * c
		y += v * r
		xx += v * c * c
		yy += v * r * r
		xy += v * c * r
	}
	if ink == 0 {
		return [momentCount]float64{}
	}
	x, y = x/ink, y/ink
	vx, vy, cov := max(0, xx/ink-x*x), max(0, yy/ink-y*y), xy/ink-x*y
	slant := 0.0
	if vy > 0 {
		slant = cov / vy
	}
	return [momentCount]float64{ink / float64(s.Inputs), math.Sqrt(vx), math.Sqrt(vy), slant}
}
