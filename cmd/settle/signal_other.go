//go:build !unix

package main

import "os"

// checkpointSignals are none where there are none.
var checkpointSignals []os.Signal
