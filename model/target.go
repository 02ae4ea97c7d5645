package model

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// moments is the number of outputs of a network that predicts moments.
const moments = 4

// parseTask reads what the network was trained to do: loss, direction and target, once the architecture is known.
func (m *Meta) parseTask(meta map[string]string) error {
	var faults []error
	m.Loss = meta["loss"]
	if known := []string{"", "cross-entropy", "bernoulli"}; !slices.Contains(known, m.Loss) {
		faults = append(faults, fmt.Errorf("metadata loss %q: want none, cross-entropy or bernoulli", m.Loss))
	}
	if given, ok := meta["generates"]; ok {
		var err error
		m.Generates, err = strconv.ParseBool(given)
		faults = append(faults, wrap("generates", err))
	}
	return errors.Join(append(faults, m.parseTarget(meta), m.parseSecond(meta))...)
}

// parseTarget reads what the outputs are: target and, for moments, what they were standardised by.
func (m *Meta) parseTarget(meta map[string]string) error {
	m.Target = meta["target"]
	outputs := 0
	if d := m.Arch.Dims; d != nil {
		outputs = d[len(d)-1]
	}
	switch m.Target {
	case "":
		return nil
	case "pixels":
		if outputs > 0 && !m.Generates && outputs != m.Arch.Dims[0] {
			return fmt.Errorf("metadata target %q: want as many outputs as inputs in arch %s", m.Target, m.Arch.DimString())
		}
		return nil
	case "moments":
	default:
		return fmt.Errorf("metadata target %q: want none, pixels or moments", m.Target)
	}
	if outputs > 0 && outputs != moments {
		return fmt.Errorf("metadata target %q: want four outputs in arch %s", m.Target, m.Arch.DimString())
	}
	var err error
	m.Units, err = readUnits(meta, "target", moments)
	return err
}
