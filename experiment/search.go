package experiment

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/settle-pc/settle/data"
)

// search looks for the best learning rates of one rule in a contest, and reports them. What it asks for next depends on
// the results so far alone, and it waits for all of them: the cells are the same whatever the number of workers.
//
// Rates are known by an index: with a grid k stands for 2^(k/2), so that even numbers are the grid and odd ones lie
// between; with given rates it is their place.
type search struct {
	Contest
	entrant  Entrant
	trials   *trials
	credit   *credit
	set      *data.Set
	got      map[int][]Cell // by index, a cell for each of the first seeds that choose
	reported map[int][]Cell // at the chosen rates
	chosen   []Chosen
}

// rateOf returns 2^(k/2).
func rateOf(k int) float64 {
	if k%2 == 0 {
		return math.Ldexp(1, k/2)
	}
	return math.Ldexp(math.Sqrt2, (k-1)/2)
}

func (s *search) rate(k int) float64 {
	if s.entrant.Rates != nil {
		return s.entrant.Rates[k]
	}
	return rateOf(k)
}

// choosing returns the seeds that choose, and how they and those reported are called.
func (s *search) choosing() ([]uint64, string) {
	if s.fair() {
		return s.Selection, Selection
	}
	return s.Reporting, Reporting
}

// run explores, refines, completes, chooses and reports.
func (s *search) run(ctx context.Context) error {
	low, high, err := s.explore(ctx)
	if err != nil {
		return err
	}
	if s.Refine && s.entrant.Rates == nil {
		var beside []int
		for _, b := range s.best() {
			beside = append(beside, b-1, b+1)
		}
		if err := s.want(ctx, beside, s.Elsewhere); err != nil {
			return err
		}
	}
	if err := s.complete(ctx); err != nil {
		return err
	}
	s.choose(low, high)
	return s.report(ctx)
}

// explore tries the grid and extends it until the best of every threshold has enough neighbours. It returns the ends.
func (s *search) explore(ctx context.Context) (low, high int, err error) {
	seeds, _ := s.choosing()
	if s.entrant.Rates != nil {
		high = len(s.entrant.Rates) - 1
		all := make([]int, len(s.entrant.Rates))
		for i := range all {
			all[i] = i
		}
		return 0, high, s.want(ctx, all, len(seeds))
	}
	for low, high = s.entrant.Low, s.entrant.High; ; {
		var grid []int
		for k := low; k <= high; k++ {
			grid = append(grid, 2*k)
		}
		if err := s.want(ctx, grid, s.Elsewhere); err != nil {
			return low, high, err
		}
		down, up := s.open(low, high)
		down, up = down && low > s.entrant.Low-s.Extend, up && high < s.entrant.High+s.Extend
		if !down && !up {
			return low, high, nil
		}
		if down {
			low--
		}
		if up {
			high++
		}
	}
}

// open reports on which sides of the grid some threshold's best has too few neighbours: below, where all diverged.
func (s *search) open(low, high int) (down, up bool) {
	best := s.best()
	for _, b := range best {
		d, u := s.short(b, low, high)
		down, up = down || d, up || u
	}
	return down || len(best) == 0, up
}

// short reports on which sides of index b fewer than Worse values of the grid from 2^low to 2^high lie.
func (s *search) short(b, low, high int) (down, up bool) {
	if s.entrant.Rates != nil {
		return b-low < s.Worse, high-b < s.Worse
	}
	return (b+1)>>1-low < s.Worse, high-b>>1 < s.Worse // shifts round down, below zero too
}

// best returns the best index for each threshold, without those that have none.
func (s *search) best() []int {
	var out []int
	for _, t := range s.Thresholds {
		if b, ok := s.bestFor(t); ok {
			out = append(out, b)
		}
	}
	return out
}

// bestFor returns the index of the best rate so far for a threshold; false where all diverged.
func (s *search) bestFor(threshold float64) (int, bool) {
	var all []candidate
	index := map[float64]int{}
	for _, k := range slices.Sorted(maps.Keys(s.got)) {
		all = append(all, candidate{s.rate(k), s.got[k]})
		index[s.rate(k)] = k
	}
	best := fastest(all, ThresholdKey(threshold))
	if best == nil {
		return 0, false
	}
	return index[best.lr], true
}

// complete gives the best rates and those beside them all the seeds that choose, until that changes no best.
func (s *search) complete(ctx context.Context) error {
	seeds, _ := s.choosing()
	for {
		var lacking []int
		for _, b := range s.best() {
			for _, k := range s.beside(b) {
				if len(s.got[k]) < len(seeds) {
					lacking = append(lacking, k)
				}
			}
		}
		if len(lacking) == 0 {
			return nil
		}
		if err := s.want(ctx, lacking, len(seeds)); err != nil {
			return err
		}
	}
}

// beside returns b and the indices next to it that were tried.
func (s *search) beside(b int) []int {
	tried := slices.Sorted(maps.Keys(s.got))
	i, _ := slices.BinarySearch(tried, b)
	return tried[max(0, i-1):min(len(tried), i+2)]
}

// want runs what is missing of the first n seeds that choose at the rates.
func (s *search) want(ctx context.Context, rates []int, n int) error {
	seeds, stage := s.choosing()
	rates = slices.Compact(slices.Sorted(slices.Values(rates)))
	var todo []trial
	var at []int
	for _, k := range rates {
		for i := len(s.got[k]); i < n; i++ {
			todo = append(todo, s.trial(k, seeds[i], stage))
			at = append(at, k)
		}
	}
	cells, err := s.trials.all(ctx, todo)
	if err != nil {
		return err
	}
	for i, c := range cells {
		s.got[at[i]] = append(s.got[at[i]], c)
	}
	return nil
}

func (s *search) trial(k int, seed uint64, stage string) trial {
	spec := s.Base
	spec.Rule, spec.LR, spec.Seed, spec.Workers = s.entrant.Rule, s.rate(k), seed, 1
	return trial{contest: s.Name, stage: stage, spec: spec, thresholds: s.Thresholds, set: s.set, credit: s.credit}
}

// choose fixes the rate for each threshold.
func (s *search) choose(low, high int) {
	for _, t := range s.Thresholds {
		c := Chosen{Contest: s.Name, Act: s.Base.Act, Rule: s.entrant.Rule, Threshold: t, Tried: len(s.got)}
		if b, ok := s.bestFor(t); ok {
			lr := s.rate(b)
			c.LR = &lr
			down, up := s.short(b, low, high)
			c.Edge = down || up
			if n := medianBatches(s.got[b], ThresholdKey(t)); !math.IsInf(n, 0) {
				c.Reached, c.Batches = true, &n
			}
		}
		s.chosen = append(s.chosen, c)
	}
}

// report trains the seeds of Reporting at the chosen rates.
func (s *search) report(ctx context.Context) error {
	if !s.fair() {
		return nil
	}
	rates := s.best()
	slices.Sort(rates)
	rates = slices.Compact(rates)
	var todo []trial
	for _, k := range rates {
		for _, seed := range s.Reporting {
			todo = append(todo, s.trial(k, seed, Reporting))
		}
	}
	cells, err := s.trials.all(ctx, todo)
	for i, c := range cells {
		k := rates[i/len(s.Reporting)]
		s.reported[k] = append(s.reported[k], c)
	}
	return err
}

// cells returns all cells by rate and seed, those that choose first.
func (s *search) cells() []Cell {
	var out []Cell
	for _, of := range []map[int][]Cell{s.got, s.reported} {
		for _, k := range slices.Sorted(maps.Keys(of)) {
			out = append(out, of[k]...)
		}
	}
	return out
}
