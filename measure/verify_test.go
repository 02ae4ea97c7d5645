package measure

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/settle-pc/settle/tensor"
)

// The files were made by another program (shared/reference/generate.py): reference.json as it was handed to us, deep.json
// with ten layers whose errors span four decades, where float32 activities have no digits left for the small ones.
func TestReferencesAreMet(t *testing.T) {
	for _, name := range []string{"reference.json", "deep.json"} {
		ref := readFile(t, name)
		v := Verify(ref, name)
		if v.File != name || len(v.Networks) != 4*len(ref.Networks) {
			t.Fatalf("%s: %d results for %d networks", v.File, len(v.Networks), len(ref.Networks))
		}
		for i, n := range v.Networks {
			place, dtype := [...]string{"before", "before", "after", "after"}[i%4], [...]string{"float64", "float32"}[i%2]
			if n.Place != place || n.DType != dtype || i > 0 && n.Name < v.Networks[i-1].Name {
				t.Errorf("result %d is of %s %s %s: want networks by name, each before and after, float64 and float32", i, n.Name, n.Place, n.DType)
			}
			if !n.OK || !n.Error.within(tolerances[n.DType]) {
				t.Errorf("%s %s %s %s: out of tolerance: %+v", name, n.Name, n.Place, n.DType, n.Error)
			}
		}
		if !v.OK {
			t.Errorf("%s: not ok", name)
		}
	}
}

func TestToyClosedFormsAreMet(t *testing.T) {
	ref, err := decode(toyJSON())
	if err != nil {
		t.Fatal(err)
	}
	if v := Verify(ref, "toy"); !v.OK || len(v.Networks) != 4 {
		t.Errorf("%+v", v)
	}
}

// One layer: PC is BP, and there is nothing to settle.
func TestOneLayerIsMet(t *testing.T) {
	const w, b, x, y = 0.7, -0.2, 1.5, 0.4
	r := y - (w*x + b)
	vec := func(v float64) any { return []any{v} }
	mat := func(v float64) any { return []any{vec(v)} }
	grads := func(more map[string]any) map[string]any {
		more["dF_dW"], more["dF_db"] = []any{mat(-r * x)}, []any{vec(-r)}
		return more
	}
	e := map[string]any{"feedforward": []any{mat(w*x + b)}, "loss": r * r / 2,
		"bp":          map[string]any{"dW": []any{mat(-r * x)}, "db": []any{vec(-r)}},
		"at_random_z": grads(map[string]any{"F": r * r / 2, "dF_dz": []any{}}),
		"equilibrium": grads(map[string]any{"F": r * r / 2, "z": []any{}}),
	}
	ref, err := decode(map[string]any{"format": ReferenceFormat, "batch": 1, "networks": map[string]any{"one": map[string]any{
		"dims": []any{1, 1}, "activation": "tanh", "bias": true, "W": []any{mat(w)}, "b": []any{vec(b)},
		"x": mat(x), "y": mat(y), "z": []any{}, "before": e, "after": e}}})
	if err != nil {
		t.Fatal(err)
	}
	if v := Verify(ref, "one"); !v.OK {
		t.Errorf("%+v", v)
	}
}

// largest returns the element of largest magnitude, on which the relative error of an array rests.
func largest(arrays [][][]float64) *float64 {
	at := &arrays[0][0][0]
	for _, a := range arrays {
		for _, row := range a {
			for j := range row {
				if math.Abs(row[j]) > math.Abs(*at) {
					at = &row[j]
				}
			}
		}
	}
	return at
}

// Every number of a file is compared: a change of twice a type's tolerance shows in its own field and nowhere else.
func TestEveryPerturbedNumberIsCaught(t *testing.T) {
	rows := func(v [][]float64) [][][]float64 { return [][][]float64{v} }
	for _, c := range []struct {
		name  string
		at    func(*Expected) *float64
		field func(RelErrors) RelError
	}{
		{"feedforward", func(e *Expected) *float64 { return largest(e.Feedforward[1:2]) }, func(r RelErrors) RelError { return r.Feedforward }},
		{"loss", func(e *Expected) *float64 { return e.Loss }, func(r RelErrors) RelError { return r.Loss }},
		{"bp dW", func(e *Expected) *float64 { return largest(e.BP.W[:1]) }, func(r RelErrors) RelError { return r.BP }},
		{"bp db", func(e *Expected) *float64 { return largest(rows(e.BP.B[2:3])) }, func(r RelErrors) RelError { return r.BP }},
		{"F", func(e *Expected) *float64 { return e.AtZ.F }, func(r RelErrors) RelError { return r.F }},
		{"dF_dz", func(e *Expected) *float64 { return largest(e.AtZ.DZ[1:2]) }, func(r RelErrors) RelError { return r.DZ }},
		{"dF_dW", func(e *Expected) *float64 { return largest(e.AtZ.DW[2:3]) }, func(r RelErrors) RelError { return r.DTheta }},
		{"dF_db", func(e *Expected) *float64 { return largest(rows(e.AtZ.DB[:1])) }, func(r RelErrors) RelError { return r.DTheta }},
		{"equilibrium z", func(e *Expected) *float64 { return largest(e.Equilibrium.Z[:1]) }, func(r RelErrors) RelError { return r.EquilibriumZ }},
		{"equilibrium F", func(e *Expected) *float64 { return e.Equilibrium.F }, func(r RelErrors) RelError { return r.EquilibriumF }},
		{"equilibrium dF_dW", func(e *Expected) *float64 { return largest(e.Equilibrium.DW[1:2]) }, func(r RelErrors) RelError { return r.EquilibriumDTheta }},
		{"equilibrium dF_db", func(e *Expected) *float64 { return largest(rows(e.Equilibrium.DB[:1])) }, func(r RelErrors) RelError { return r.EquilibriumDTheta }},
	} {
		for dtype, tol := range map[string]RelError{"float64": 3e-8, "float32": 3e-4} {
			ref := readFile(t, "reference.json")
			for name := range ref.Networks {
				if name != "tanh_6543" {
					delete(ref.Networks, name)
				}
			}
			*c.at(ref.Networks["tanh_6543"].After) *= 1 + float64(tol)
			v := Verify(ref, "perturbed")
			for _, n := range v.Networks {
				wrong := n.Place == "after" && (n.DType == "float64" || n.DType == dtype)
				if n.OK == wrong {
					t.Errorf("%s off by %.0e, %s %s: ok is %v", c.name, tol, n.Place, n.DType, n.OK)
				}
				if got := c.field(n.Error); wrong && (got < tol/2 || got > 2*tol) {
					t.Errorf("%s off by %.0e, %s %s: its error is %.1e", c.name, tol, n.Place, n.DType, got)
				}
				over := 0
				for _, e := range fields(n.Error) {
					if e > tol/2 {
						over++
					}
				}
				if wrong && over != 1 {
					t.Errorf("%s off by %.0e, %s %s: %d fields show it: %+v", c.name, tol, n.Place, n.DType, over, n.Error)
				}
			}
			if v.OK {
				t.Errorf("%s off by %.0e: the whole is ok", c.name, tol)
			}
		}
	}
}

func fields(e RelErrors) []RelError {
	return []RelError{e.Feedforward, e.Loss, e.BP, e.F, e.DZ, e.DTheta, e.EquilibriumZ, e.EquilibriumF, e.EquilibriumDTheta}
}

// Weights whose products overflow give NaN, which is out of tolerance and null in JSON.
func TestOverflowIsOutOfTolerance(t *testing.T) {
	file := toyJSON()
	set(file, "networks/toy/W", []any{[]any{[]any{1e200}}, []any{[]any{1e200}}})
	ref, err := decode(file)
	if err != nil {
		t.Fatal(err)
	}
	v := Verify(ref, "overflow")
	if v.OK {
		t.Error("accepted")
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back Verification
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	for i, n := range back.Networks {
		for k, e := range fields(n.Error) {
			before := float64(fields(v.Networks[i].Error)[k])
			if lost := math.IsNaN(before) || math.IsInf(before, 0); lost != math.IsNaN(float64(e)) {
				t.Errorf("%s %s, field %d: %v came back as %v", n.Place, n.DType, k, before, e)
			}
		}
	}
}

func TestRelErrorHandsNaNOn(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		a    []float64
		b    []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{1, 2, 4}, 0.25},
		{[]float64{0, 0}, []float64{0, 0}, 0},
		{[]float64{nan, 0}, []float64{1, 1}, nan},
		{[]float64{0, nan}, []float64{1, 1}, nan},
		{[]float64{1e-200, 0}, []float64{0, 0}, 1e100},
	} {
		got := float64(relError(tensor.Of(1, len(c.a), c.a), [][]float64{c.b}))
		if fmt.Sprintf("%.9g", got) != fmt.Sprintf("%.9g", c.want) {
			t.Errorf("%v against %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestSolveSPDSolves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for m := range 9 {
		root, x := make([]float64, m*m), make([]float64, m)
		for i := range root {
			root[i] = rng.NormFloat64()
		}
		a, b := make([]float64, m*m), make([]float64, m)
		for i := range m {
			x[i] = rng.NormFloat64()
			for j := range m {
				for k := range m {
					a[i*m+j] += root[i*m+k] * root[j*m+k]
				}
			}
			a[i*m+i]++
		}
		for i := range m {
			for j := range m {
				b[i] += a[i*m+j] * x[j]
			}
		}
		solveSPD(a, b)
		for i := range m {
			// The eigenvalues lie between 1 and some dozens: a few digits of sixteen may go.
			if math.Abs(b[i]-x[i]) > 1e-12 {
				t.Errorf("%d×%d: x[%d] = %v, want %v", m, m, i, b[i], x[i])
			}
		}
	}
}
