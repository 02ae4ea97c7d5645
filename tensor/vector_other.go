//go:build !amd64 || noasm

package tensor

// There are no kernels but those of products here: the portable twins do the work.

func machinePanelCopy[T Float]([]T, Matrix[T]) bool { return false }

func machineBinary[T Float](operator, Matrix[T], Matrix[T], Matrix[T]) bool { return false }

func machineAxpy[T Float]([]T, T, []T) bool { return false }

func machineScale[T Float]([]T, T) bool { return false }

func machineDot[T Float]([]T, []T) (float64, bool) { return 0, false }

func machineSquares[T Float]([]T) (float64, bool) { return 0, false }

func machineSecant[T Float]([]T, []T) (gg, gy, yy float64, ok bool) { return 0, 0, 0, false }

func machineNonfinite[T Float]([]T) (int, bool) { return 0, false }

func machineActivation[T Float](activation, []T, []T, []T) bool { return false }

func machineExp[T Float]([]T, []T) bool { return false }

func machineDescend[T Float]([]T, []T, *[2]T) bool { return false }

func machineMomentum[T Float]([]T, []T, []T, *[3]T) bool { return false }

func machineNesterov[T Float]([]T, []T, []T, *[3]T) bool { return false }

func machineAdam[T Float]([]T, []T, []T, []T, *[9]T) bool { return false }

func transpose8[T Float](Matrix[T], Matrix[T]) (rows, cols int) { return 0, 0 }
