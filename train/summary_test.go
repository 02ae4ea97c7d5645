package train

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// contract are the keys of the command's JSON object.
var contract = []string{"rule", "arch", "act", "solver", "optim", "lr", "seed", "batches", "train_mse", "test_mse", "test_accuracy", "seconds",
	"samples_per_second", "passes_mean", "residual_mean", "gap_mean", "statuses", "weights_sha256", "level", "run"}

// nulls decodes a summary and wants null for the given keys of the contract and for no other.
func nulls(t *testing.T, s Summary, null ...string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text(s)), &m); err != nil {
		t.Fatal(err)
	}
	for _, k := range contract {
		v, ok := m[k]
		if !ok || (v == nil) != slices.Contains(null, k) {
			t.Errorf("%s is %v (there: %v)", k, v, ok)
		}
	}
	return m
}

// Summary has null where a number was not reached or does not apply.
func TestSummaryHasNullForWhatDoesNotApply(t *testing.T) {
	bp, _ := train[float32](t, small().with(func(s *Spec) { s.Rule = "bp" }))
	nulls(t, bp.Summary(nil), "test_mse", "test_accuracy", "samples_per_second", "solver", "residual_mean", "gap_mean", "statuses")
	// Activity coordinates have no estimate of the gap.
	act, _ := train[float32](t, small().with(func(s *Spec) { s.Coords = "activities" }))
	nulls(t, act.Summary(nil), "test_mse", "test_accuracy", "samples_per_second", "gap_mean")
	none := start[float32](t, small(), Options{})
	nulls(t, none.Summary(nil), "train_mse", "test_mse", "test_accuracy", "samples_per_second", "passes_mean", "residual_mean", "gap_mean")
	bad := Score{MSE: math.Inf(1), Accuracy: 0.1}
	nulls(t, act.Summary(&bad), "test_mse", "samples_per_second", "gap_mean")
}

// TestSummaryCountsClippedUpdates: all of them, some, none; none of it where nothing is to be clipped.
func TestSummaryCountsClippedUpdates(t *testing.T) {
	for _, rule := range Supervised() {
		clipped := func(norm float64) *float64 {
			tr, _ := train[float64](t, small().with(func(s *Spec) { s.Rule, s.Clip = rule, norm }))
			return tr.Summary(nil).Clipped
		}
		if none, all, no := clipped(0), clipped(1e-6), clipped(1e6); none != nil || all == nil || *all != 1 || no == nil || *no != 0 {
			t.Errorf("%s: clipped %v, %v, %v", rule, none, all, no)
		}
	}
}

func TestSummaryCountsEverySample(t *testing.T) {
	pc, _ := train[float32](t, small())
	score := pc.Test()
	m := nulls(t, pc.Summary(&score), "samples_per_second")
	total := 0.0
	for _, st := range []string{"equilibrium", "gap", "pass_limit", "stalled", "diverged", "not_finite"} {
		n, ok := m["statuses"].(map[string]any)[st].(float64)
		if !ok {
			t.Errorf("statuses lack %s", st)
		}
		total += n
	}
	if total != 10*16 || m["batches"] != 10.0 || m["test_accuracy"] != score.Accuracy || m["seed"] != 3.0 || len(m["weights_sha256"].(string)) != 64 {
		t.Errorf("%v", m)
	}
}
