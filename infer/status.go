package infer

import "fmt"

// Status is what inference reached for one sample.
type Status uint8

// A sample ends in one of these. Moving is the zero value, before or during Solve.
const (
	Moving      Status = iota
	Equilibrium        // ρ ≤ Settings.Tol: the residual test passed
	Gap                // the estimated energy gap of the samples solved together is ≤ Settings.Gap
	PassLimit          // truncated: Settings.MaxPasses or MaxSteps spent, or a limit of the method reached
	Stalled            // truncated: neither energy nor residual falls any more
	Diverged           // F rose far above its start
	NotFinite          // F or its gradient is NaN or infinite
	numStatus
)

var statusNames = [numStatus]string{"moving", "equilibrium", "gap", "pass_limit", "stalled", "diverged", "not_finite"}

// Statuses lists the outcomes in order, without Moving.
func Statuses() []Status {
	return []Status{Equilibrium, Gap, PassLimit, Stalled, Diverged, NotFinite}
}

// String returns the name used in tables and JSON.
func (s Status) String() string {
	if s >= numStatus {
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
	return statusNames[s]
}

// Err returns nil for an equilibrium or an accepted gap, else an error that names the outcome.
func (s Status) Err() error {
	switch s {
	case Equilibrium, Gap:
		return nil
	}
	return fmt.Errorf("infer: %s", s)
}
