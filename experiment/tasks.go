package experiment

import (
	"strings"
	"sync"

	"github.com/settle-pc/settle/data"
)

// Suffixes of names of data sets that ask for another task on the same images.
const (
	regressionSuffix  = "-moments"
	autoencoderSuffix = "-pixels"
)

// TaskSets returns the sets of open, each opened once, and under NAME-moments and NAME-pixels the same images with their
// moments, or themselves, as targets.
func TaskSets(open Sets) Sets {
	var mu sync.Mutex
	known := map[string]*data.Set{}
	var get func(name string) (*data.Set, error)
	get = func(name string) (*data.Set, error) {
		if set, ok := known[name]; ok {
			return set, nil
		}
		var set *data.Set
		var err error
		if base, ok := strings.CutSuffix(name, regressionSuffix); ok {
			if set, err = get(base); err == nil {
				set = set.Regression()
			}
		} else if base, ok := strings.CutSuffix(name, autoencoderSuffix); ok {
			if set, err = get(base); err == nil {
				set = set.Autoencoding()
			}
		} else {
			set, err = open(name)
		}
		if err == nil {
			known[name] = set
		}
		return set, err
	}
	return func(name string) (*data.Set, error) {
		mu.Lock()
		defer mu.Unlock()
		return get(name)
	}
}
