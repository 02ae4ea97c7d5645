//go:build !amd64 || noasm

package tensor

// There are no machine kernels here: the level is generic, and nothing below is called.

func machinePanel[T Float]() int { return tileCols }

func (p *product[T]) columns(int, int) int { panic("tensor: no machine kernels") }

func transpose8[T Float](Matrix[T], Matrix[T]) int { return 0 }
