package tensor

// Level names the set of kernels in force. Bits are the same at any number of workers for one level, element type and
// architecture; another level rounds differently.
func Level() string { return "generic" }
