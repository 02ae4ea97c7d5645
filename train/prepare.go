package train

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/settle-pc/settle/data"
)

// bySet normalises by the mean and deviation of the set's training images, byChannel by those of each channel.
const (
	bySet     = "set"
	byChannel = "channel"
)

// normalization returns the mean and deviation that the spec asks for, 0 and 0 for those of the set or its channels.
func (s Spec) normalization() (mean, std float64, err error) {
	if s.Normalize == bySet || s.Normalize == byChannel {
		return 0, 0, nil
	}
	m, d, two := strings.Cut(s.Normalize, ",")
	mean, err = strconv.ParseFloat(m, 64)
	if err == nil {
		std, err = strconv.ParseFloat(d, 64)
	}
	if err != nil || !two || !finite(mean) || !(std > 0) || !finite(std) {
		return 0, 0, fmt.Errorf("--normalize %q: want set, channel, or MEAN,STD with numbers, STD above 0, as in 0.5,0.5", s.Normalize)
	}
	return mean, std, nil
}

// Targets are the words for what a network is to make of an image.
var Targets = []string{"labels", "pixels", "moments"}

// task is the one that the spec asks for, which labels leave to the set.
func (s Spec) task(set *data.Set) data.Task {
	switch s.Target {
	case "pixels":
		return data.Pixels
	case "moments":
		return data.Moments
	}
	return set.Task
}

// prepared is the set as the spec trains on it: with its targets, normalised, and limited. What targets and channels are
// standardised by does not depend on the limit.
func (s Spec) prepared(set *data.Set) (*data.Set, error) {
	if t := s.task(set); t != set.Task {
		set = set.For(t)
	}
	if s.Normalize == byChannel {
		var err error
		if set, err = set.ByChannel(); err != nil {
			return nil, fmt.Errorf("--normalize channel: %w", err)
		}
	}
	if s.Limit > 0 {
		var err error
		if set, err = set.Limit(s.Limit); err != nil {
			return nil, fmt.Errorf("--limit: %w", err)
		}
	}
	mean, std, err := s.normalization()
	if err != nil || std == 0 {
		return set, err
	}
	own := *set
	own.Mean, own.Std = mean, std
	return &own, nil
}
