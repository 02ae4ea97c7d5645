package data

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// mnistName is the name that obliges a set to be the official one.
const mnistName = "mnist"

// officialMNIST are the SHA-256 of the uncompressed content of the official files.
var officialMNIST = [4]string{
	trainImages: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
	trainLabels: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	testImages:  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
	testLabels:  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

// officialFashion are those of Fashion-MNIST.
var officialFashion = [4]string{
	trainImages: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
	trainLabels: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
	testImages:  "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
	testLabels:  "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

// Checksum identifies the uncompressed content of one file of a set.
type Checksum struct {
	File   string // the official name, without .gz
	SHA256 string // hexadecimal
}

// Checksums returns those of the four IDX files that would hold the set as it is in memory: training images, training
// labels, test images, test labels. So the same images have the same sums whatever they were read from; with several
// channels they are an array of four dimensions, idx4. A limited set has others than the whole one.
func (s *Set) Checksums() [4]Checksum {
	files := [4]IDX{
		trainImages: {Dims: append([]int{s.Train.N()}, s.dims()...), Data: s.Train.Images},
		trainLabels: {Dims: []int{s.Train.N()}, Data: s.Train.Labels},
		testImages:  {Dims: append([]int{s.Test.N()}, s.dims()...), Data: s.Test.Images},
		testLabels:  {Dims: []int{s.Test.N()}, Data: s.Test.Labels},
	}
	var sums [4]Checksum
	var wg sync.WaitGroup
	for i, x := range files {
		wg.Go(func() {
			sum := x.SHA256()
			name := strings.Replace(fileNames[i], "idx3", fmt.Sprintf("idx%d", len(x.Dims)), 1)
			sums[i] = Checksum{File: name, SHA256: hex.EncodeToString(sum[:])}
		})
	}
	wg.Wait()
	return sums
}

// CheckMNIST returns nil if the set holds the official MNIST digits in the official order, and else an error that names
// each file that differs.
func (s *Set) CheckMNIST() error { return s.checkOfficial("MNIST", officialMNIST) }

// CheckFashion is CheckMNIST for the images of Fashion-MNIST.
func (s *Set) CheckFashion() error { return s.checkOfficial("Fashion-MNIST", officialFashion) }

func (s *Set) checkOfficial(name string, official [4]string) error {
	var faults []error
	for i, sum := range s.Checksums() {
		if sum.SHA256 != official[i] {
			faults = append(faults, fmt.Errorf("%s: not %s's: SHA-256 of the content is %s (accepted: %s)", sum.File, name, sum.SHA256, official[i]))
		}
	}
	return errors.Join(faults...)
}
