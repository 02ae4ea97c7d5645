package data

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// arrayFiles are the arrays of a set in a folder or an .npz file, as in Keras's mnist.npz.
var arrayFiles = [4]string{
	trainImages: "x_train.npy",
	trainLabels: "y_train.npy",
	testImages:  "x_test.npy",
	testLabels:  "y_test.npy",
}

// maxChannels is how many channels the last axis of images may be: with more it is rather the columns of images whose channels
// come first.
const maxChannels = 4

// openArrays reads the four arrays side by side.
func openArrays(d root) (*Set, error) {
	if err := d.complete(arrayFiles[:]); err != nil {
		return nil, err
	}
	var (
		arrays [4]NPY
		labels [4][]uint8
		faults [4]error
		wg     sync.WaitGroup
		paths  = d.paths(arrayFiles)
	)
	for i, file := range arrayFiles {
		wg.Go(func() {
			a, err := d.readNPY(file)
			switch {
			case err != nil:
			case i == trainLabels || i == testLabels:
				labels[i], err = a.labels()
			default:
				arrays[i], err = a, a.images()
			}
			if err != nil {
				faults[i] = fmt.Errorf("data: %s: %w", paths[i], err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	size, test := arrays[trainImages].Shape[1:], arrays[testImages].Shape[1:]
	if !slices.Equal(size, test) {
		return nil, fmt.Errorf("data: %s: images of %s (accepted: %s, as in %s)", paths[testImages], shape(test), shape(size), paths[trainImages])
	}
	s := &Set{
		Size:  Size{size[0], size[1], 1},
		Train: Split{Images: arrays[trainImages].Data, Labels: labels[trainLabels]},
		Test:  Split{Images: arrays[testImages].Data, Labels: labels[testLabels]},
	}
	if len(size) == 3 {
		s.Channels = size[2]
	}
	if err := s.complete(paths); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return s, nil
}

func (d root) readNPY(file string) (NPY, error) {
	f, err := d.Open(file)
	if err != nil {
		return NPY{}, bare(err)
	}
	defer f.Close()
	return ReadNPY(f)
}

// images checks that the array is one of images.
func (a NPY) images() error {
	n := len(a.Shape)
	switch {
	case a.kind() != "u1":
		return fmt.Errorf("element type %s (accepted: uint8)", a.Type)
	case n != 3 && n != 4:
		return fmt.Errorf("shape %s (accepted: N×H×W or N×H×W×C)", shape(a.Shape))
	case n == 4 && a.Shape[3] > maxChannels:
		return fmt.Errorf("shape %s: %d channels (accepted: N×H×W or N×H×W×C with C up to %d; numpy.moveaxis(x, 1, -1) puts channels last)",
			shape(a.Shape), a.Shape[3], maxChannels)
	}
	return nil
}
