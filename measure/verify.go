package measure

import (
	"fmt"
	"maps"
	"slices"

	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// Verification is the outcome of comparing this build with a file of reference vectors.
type Verification struct {
	File     string         `json:"file"`
	Networks []NetworkCheck `json:"networks"`
	OK       bool           `json:"ok"`
}

// NetworkCheck is the outcome for one network, activation placement and element type.
type NetworkCheck struct {
	Name  string    `json:"name"`
	Place string    `json:"place"`
	DType string    `json:"dtype"`
	Error RelErrors `json:"max_rel_error"`
	OK    bool      `json:"ok"`
}

// RelErrors are relative errors, max|a − b|/max|b| of an array, the largest over the arrays of one kind.
type RelErrors struct {
	Feedforward       RelError `json:"feedforward"`
	Loss              RelError `json:"loss"`
	BP                RelError `json:"bp"`
	F                 RelError `json:"F"`
	DZ                RelError `json:"dF_dz"`
	DTheta            RelError `json:"dF_dtheta"`
	EquilibriumZ      RelError `json:"equilibrium_z"`
	EquilibriumF      RelError `json:"equilibrium_F"`
	EquilibriumDTheta RelError `json:"equilibrium_dF_dtheta"`
}

// tolerance is what an element type must reach, for values and gradients and for equilibria. The float64 reference
// equilibria are polished to a gradient of 1e−12; float32 carries seven digits into sums of a few dozen terms.
type tolerance struct{ value, equilibrium RelError }

var tolerances = map[string]tolerance{"float64": {1e-10, 1e-8}, "float32": {1e-4, 1e-4}}

// within reports whether every error is in tolerance; NaN is not.
func (e RelErrors) within(t tolerance) bool {
	for _, v := range []RelError{e.Feedforward, e.Loss, e.BP, e.F, e.DZ, e.DTheta} {
		if !(v <= t.value) {
			return false
		}
	}
	for _, v := range []RelError{e.EquilibriumZ, e.EquilibriumF, e.EquilibriumDTheta} {
		if !(v <= t.equilibrium) {
			return false
		}
	}
	return true
}

// Verify compares every network of ref, under both placements and in both element types, in order of name.
func Verify(ref *Reference, file string) Verification {
	v := Verification{File: file, OK: true}
	for _, name := range slices.Sorted(maps.Keys(ref.Networks)) {
		n := ref.Networks[name]
		for _, place := range []nn.Place{nn.Before, nn.After} {
			want := n.Before
			if place == nn.After {
				want = n.After
			}
			for _, one := range []NetworkCheck{
				{Name: name, Place: place.String(), DType: "float64", Error: verify[float64](n, want, place, ref.Batch)},
				{Name: name, Place: place.String(), DType: "float32", Error: verify[float32](n, want, place, ref.Batch)},
			} {
				one.OK = one.Error.within(tolerances[one.DType])
				v.OK = v.OK && one.OK
				v.Networks = append(v.Networks, one)
			}
		}
	}
	return v
}

// verify computes all that the file expects of one network in element type T. Without a bias, a zero bias stands in,
// since the file has its derivatives.
func verify[T tensor.Float](n *ReferenceNetwork, want *Expected, place nn.Place, batch int) RelErrors {
	net := network[T](n, place)
	L := net.L()
	x, y := matrix[T](n.X), matrix[T](n.Y)
	var e RelErrors

	t := nn.NewTrace(net, batch)
	t.Z[0] = x
	t.Feedforward()
	for l := 1; l <= L; l++ {
		e.Feedforward = max(e.Feedforward, relError(t.Z[l], want.Feedforward[l-1]))
	}
	loss := make([]float64, batch)
	energy.SquaredError[T]{}.Residual(loss, t.U[L], y, t.Z[L], 1)
	e.Loss = relScalar(sum(loss), *want.Loss)
	t.Back()
	grad := make([]T, len(net.Theta()))
	weightGradient(grad, t)
	e.BP = relParams(net, grad, want.BP.W, want.BP.B)

	s := (&energy.PC[T]{Net: net}).NewState(batch)
	s.Clamp(0, x)
	s.Clamp(L, y)
	f := s.Activities()
	w := infer.NewWork[T](batch, f.Dim())
	for l, col := 1, 0; l < L; l++ {
		w.Z.ColsOf(col, col+n.Dims[l]).CopyFrom(matrix[T](n.Z[l-1]))
		col += n.Dims[l]
	}
	w.Point.Eval(f)
	e.F = relScalar(sum(w.F), *want.AtZ.F)
	e.DZ = relLayers(w.Grad, n.Dims, want.AtZ.DZ)
	s.Gradient(grad)
	e.DTheta = relParams(net, grad, want.AtZ.DW, want.AtZ.DB)

	w = settle(s)
	e.EquilibriumF = relScalar(sum(w.F), *want.Equilibrium.F)
	for l := 1; l < L; l++ {
		e.EquilibriumZ = max(e.EquilibriumZ, relError(s.Trace.Z[l], want.Equilibrium.Z[l-1]))
	}
	s.Gradient(grad)
	e.EquilibriumDTheta = relParams(net, grad, want.Equilibrium.DW, want.Equilibrium.DB)
	return e
}

// settle leaves the equilibrium that the file means in s, and returns its energies. It goes there from the feedforward
// activities by gradient descent with a step of 0.05, until it cannot change valley any more (nonlinear networks can
// have several stationary points: the path decides), then by Barzilai–Borwein steps as near as activities can, and
// then by Newton steps in errors to the last digits.
func settle[T tensor.Float](s *energy.State[T]) *infer.Work[T] {
	path, end := infer.Settings{Tol: 1e-7, MaxPasses: 40000, Patience: -1}, infer.Settings{Tol: 1e-13, MaxPasses: 4000, Patience: 100}
	if _, single := any(s.Trace.U[1].Data).([]float32); single {
		path.Tol, end.Tol = 1e-6, 1e-7
	}
	f := s.Activities()
	w := infer.NewWork[T](s.Trace.Rows, s.Dim())
	f.Start(w.Z)
	for _, step := range []struct {
		m infer.Method[T]
		s infer.Settings
	}{{&infer.Euler[T]{DT: 0.05}, path}, {&infer.BarzilaiBorwein[T]{}, end}} {
		if _, err := infer.Solve(f, w, step.m, step.s); err != nil {
			panic(fmt.Sprint("measure: activities lack what gradient descent needs: ", err))
		}
	}
	for l, col := 1, 0; l < s.Trace.Net.L(); l++ {
		n := s.Trace.Net.Width(l)
		w.Z.ColsOf(col, col+n).CopyFrom(s.Trace.U[l]) // e_l, since every precision is 1
		col += n
	}
	polish(s.Errors(), w)
	return w
}

// network builds the file's network, always with a bias.
func network[T tensor.Float](n *ReferenceNetwork, place nn.Place) *nn.Network[T] {
	act, err := nn.ParseActivation(n.Activation)
	if err != nil {
		panic("measure: reference was not validated")
	}
	net, err := nn.Build[T](nn.Arch{Dims: n.Dims, Act: act, Place: place, Bias: true})
	if err != nil {
		panic("measure: reference was not validated")
	}
	net.Update(func(theta []T) {
		for l := 1; l <= net.L(); l++ {
			part := net.Of(l, theta)
			for _, row := range append(slices.Clone(n.W[l-1]), n.B[l-1]) {
				for j, v := range row {
					part[j] = T(v)
				}
				part = part[len(row):]
			}
		}
	})
	return net
}

func matrix[T tensor.Float](rows [][]float64) tensor.Matrix[T] {
	m := tensor.New[T](len(rows), len(rows[0]))
	for i, r := range rows {
		for j, v := range r {
			m.Row(i)[j] = T(v)
		}
	}
	return m
}

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}
