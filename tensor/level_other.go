//go:build !amd64 || noasm

package tensor

// machineLevels lists what this machine has.
func machineLevels() []level { return []level{generic} }
