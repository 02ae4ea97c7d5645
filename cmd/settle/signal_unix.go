//go:build unix

package main

import (
	"os"
	"syscall"
)

// checkpointSignals ask a trial to checkpoint and end: schedulers send them before they stop it.
var checkpointSignals = []os.Signal{syscall.SIGUSR1}
