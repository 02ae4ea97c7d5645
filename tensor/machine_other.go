//go:build (!amd64 && !arm64) || noasm

package tensor

// There are no machine kernels here: the level is generic, and products never ask for one.

func machineLevels() []level { return []level{generic} }

func machinePanel[T Float]() int { return tileCols }

func (p *product[T]) columns(int, int) int { panic("tensor: no machine kernels") }

func machinePeak[T Float](int) int { return 0 }
