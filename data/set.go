// Package data holds sets of labelled images and cuts them into batches.
//
// A Set comes from a folder (Open: IDX files, CIFAR-10's files, NumPy arrays, folders of pictures), from an .npz file
// (OpenNPZ), from bytes (New) or from a generator (Synthetic). It keeps its images as bytes; a byte v becomes
// (v/255 − Mean)/Std while a batch is filled, so that a set costs one byte a pixel and channel whatever the element type. Batches deals shuffled minibatches for training, Fill copies consecutive samples for
// evaluation.
package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Split is one half of a set, training or test: N images of the same size, and their labels.
type Split struct {
	Images  []byte    // N×Inputs, 0…255
	Labels  []uint8   // N
	Targets []float32 // N×Outputs, or none: the set's task makes them
}

// N returns the number of samples.
func (p Split) N() int { return len(p.Labels) }

// Image returns the pixels of image i, row by row, a pixel's channels side by side, sharing their bytes.
func (p Split) Image(i int) []byte {
	w := len(p.Images) / len(p.Labels)
	return p.Images[i*w : (i+1)*w : (i+1)*w]
}

// Size is the size of an image: rows and columns of pixels, and the channels of a pixel, 1 for grey, 3 for red, green
// and blue.
type Size struct{ Rows, Cols, Channels int }

// dims lists rows and columns, and channels where there are several.
func (z Size) dims() []int {
	if z.Channels == 1 {
		return []int{z.Rows, z.Cols}
	}
	return []int{z.Rows, z.Cols, z.Channels}
}

// values is the number of bytes of an image.
func (z Size) values() int { return z.Rows * z.Cols * z.Channels }

// Set is a set of images with labels. What a network is to make of an image is its task: the label one-hot, unless
// Moments or Pixels has made another. It is read only once made: any number of goroutines may share it.
type Set struct {
	Name        string
	Train, Test Split
	Size                // of an image
	Inputs      int     // Rows·Cols·Channels
	Classes     int     // 1 + the largest training label
	Task        Task    // what the targets are
	Outputs     int     // of a target: Classes, unless the task says otherwise
	Units       []Unit  // of the target's numbers, in which they were measured; nil: of no other than their own
	Mean, Std   float64 // of all bytes v/255 of the training images, rounded to four decimals (MNIST: 0.1307, 0.3081)
	Channel     []Unit  // Mean and Std of each channel, where they are normalised one by one (ByChannel); nil: all alike
}

// New makes a set of images of a size that the caller hands over, and does not change afterwards. Its error names a
// split without samples and counts of pixels and labels that disagree, in both splits; where these are right, fewer
// than two classes, a test label above those of training, and pixels that do not vary.
func New(name string, size Size, train, test Split) (*Set, error) {
	s := &Set{Name: name, Size: size, Train: train, Test: test}
	if err := s.complete([4]string{"training images", "training labels", "test images", "test labels"}); err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	return s, nil
}

// complete checks what New or Open put together and fills in the rest. Its errors use the four names, ordered as the
// files of a set.
func (s *Set) complete(names [4]string) error {
	if s.Rows < 1 || s.Cols < 1 || s.Channels < 1 {
		return fmt.Errorf("%s: size %d×%d×%d (accepted: rows, columns and channels from 1)", names[trainImages], s.Rows, s.Cols, s.Channels)
	}
	s.Inputs = s.values()
	faults := []error{
		s.counts(s.Train, names[trainImages], names[trainLabels]),
		s.counts(s.Test, names[testImages], names[testLabels]),
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return errors.Join(s.classes(names[trainLabels], names[testLabels]), s.normalise(names[trainImages]))
}

// counts checks that a split has samples and a label for each image.
func (s *Set) counts(p Split, images, labels string) error {
	switch n := p.N(); {
	case n == 0:
		return fmt.Errorf("%s: empty (accepted: at least one label)", labels)
	case len(p.Images)%s.Inputs != 0:
		return fmt.Errorf("%s: %d bytes are not a whole number of %s images", images, len(p.Images), shape(s.dims()))
	case len(p.Images)/s.Inputs != n:
		return fmt.Errorf("%s: %d images, but %d labels in %s", images, len(p.Images)/s.Inputs, n, labels)
	}
	return nil
}

// classes counts the classes that training has and checks that testing has no others.
func (s *Set) classes(train, test string) error {
	top := slices.Max(s.Train.Labels)
	if top == 0 {
		return fmt.Errorf("%s: every label is 0 (accepted: at least two classes, 0 and 1)", train)
	}
	s.Classes = int(top) + 1
	s.Outputs = s.Classes
	if i := slices.IndexFunc(s.Test.Labels, func(c uint8) bool { return c > top }); i >= 0 {
		return fmt.Errorf("%s: label %d of sample %d (accepted: 0 to %d, the labels in %s)", test, s.Test.Labels[i], i, top, train)
	}
	return nil
}

// normalise sets Mean and Std.
func (s *Set) normalise(images string) error {
	mean, deviation := spread(s.Train.Images, 0, 1)
	s.Mean, s.Std = fourDecimals(mean/255), fourDecimals(deviation/255)
	if s.Std == 0 {
		return fmt.Errorf("%s: all pixels are about %.4g (accepted: images that vary)", images, mean)
	}
	return nil
}

// spread returns mean and deviation of every step-th byte. The sums are integers, so neither their order nor their length costs accuracy.
func spread(bytes []byte, from, step int) (mean, deviation float64) {
	var sum, squares, count uint64 // below 2⁶⁴ for any set that fits a memory
	for i := from; i < len(bytes); i += step {
		v := uint64(bytes[i])
		sum += v
		squares += v * v
		count++
	}
	n := float64(count)
	mean = float64(sum) / n
	return mean, math.Sqrt(max(0, float64(squares)/n-mean*mean))
}

// ByChannel returns the set with every channel normalised by its own mean and deviation over the training images, rounded to four
// decimals, sharing its bytes; a grey set as it is. The error names a channel that does not vary.
func (s *Set) ByChannel() (*Set, error) {
	if s.Channels == 1 {
		return s, nil
	}
	out := *s
	out.Channel = nil
	for c := range s.Channels {
		mean, deviation := spread(s.Train.Images, c, s.Channels)
		u := Unit{fourDecimals(mean / 255), fourDecimals(deviation / 255)}
		if u.Std == 0 {
			return nil, fmt.Errorf("data: %s: channel %d is about %.4g everywhere (accepted: channels that vary)", s.Name, c, mean)
		}
		out.Channel = append(out.Channel, u)
	}
	return &out, nil
}

func fourDecimals(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// Limit returns the set with only its first n training images, sharing their bytes. Test images, classes and pixel
// statistics stay those of the whole set, so that limited and whole runs see the same inputs.
func (s *Set) Limit(n int) (*Set, error) {
	if n < 1 || n > s.Train.N() {
		return nil, fmt.Errorf("data: limit %d: %s has %d training images (accepted: 1 to %d)", n, s.Name, s.Train.N(), s.Train.N())
	}
	limited := *s
	limited.Train.Images = s.Train.Images[: n*s.Inputs : n*s.Inputs]
	limited.Train.Labels = s.Train.Labels[:n:n]
	if s.Train.Targets != nil {
		limited.Train.Targets = s.Train.Targets[: n*s.Outputs : n*s.Outputs]
	}
	return &limited, nil
}
