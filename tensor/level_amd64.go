//go:build amd64 && !noasm

package tensor

import "golang.org/x/sys/cpu"

// machineLevels lists what this machine has, from the slowest.
func machineLevels() []level {
	has := []level{generic}
	if x := cpu.X86; x.HasAVX2 && x.HasFMA && x.HasBMI2 {
		has = append(has, avx2)
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
			has = append(has, avx512)
		}
	}
	return has
}
