//go:build unix

package main

import (
	"os"
	"syscall"
)

// checkpointSignals ask a trial to checkpoint and end: schedulers send them before they stop it. A second one, from a
// scheduler that tells every process beside a shell that passes it on, must not cut the checkpoint short.
var checkpointSignals = []os.Signal{syscall.SIGUSR1, syscall.SIGTERM}
