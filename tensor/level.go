package tensor

import "os"

//go:generate go run -C gen . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg tensor

// level is a set of kernels.
type level uint8

// The levels, each better than the ones before on the machines that have it.
const (
	generic level = iota
	neon          // products of float32; the rest is generic
	avx2          // AVX2 and FMA
	avx512        // AVX-512 F, BW, DQ and VL
)

var levelNames = [...]string{"generic", "neon", "avx2", "avx512"}

// current is the level in force. Only tests change it.
var current = choose(os.Getenv("SETTLE_CPU"))

// choose returns the best level of this machine, or the one called name if the machine has it.
func choose(name string) level {
	has := machineLevels()
	for _, l := range has {
		if levelNames[l] == name {
			return l
		}
	}
	return has[len(has)-1]
}

// Level names the set of kernels in force: generic, neon, avx2 or avx512. It is the best that the machine has, or what the
// environment variable SETTLE_CPU names, read once; a name that the machine does not have is as good as none. Bits are the same
// at any number of workers for one level, element type and architecture. avx2 and avx512 give the same bits, and neon those of their
// float32 products; generic rounds differently.
func Level() string { return levelNames[current] }
