// Package measure is what `settle verify` and `settle bench` compute: this build against reference vectors, and this
// machine against its limits.
package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/settle-pc/settle/nn"
)

// ReferenceFormat is the format of the files that ReadReference reads.
const ReferenceFormat = "pc-reference/1"

// Reference is a file of reference vectors: energies, gradients and equilibria of small networks, in float64, summed
// over the batch with the half. Lists of arrays run over layers l = 1…L (z and dF_dz over the free 1…L−1).
type Reference struct {
	Format   string                       `json:"format"`
	Batch    int                          `json:"batch"`
	Networks map[string]*ReferenceNetwork `json:"networks"`
}

// ReferenceNetwork is one network with its data, and what is expected under both activation placements.
type ReferenceNetwork struct {
	Dims       []int         `json:"dims"`
	Activation string        `json:"activation"`
	Bias       bool          `json:"bias"`
	W          [][][]float64 `json:"W"`
	B          [][]float64   `json:"b"` // zeros without bias
	X          [][]float64   `json:"x"`
	Y          [][]float64   `json:"y"`
	Z          [][][]float64 `json:"z"`
	Before     *Expected     `json:"before"`
	After      *Expected     `json:"after"`
}

// Expected is what a network must give.
type Expected struct {
	Feedforward [][][]float64 `json:"feedforward"`
	Loss        *float64      `json:"loss"`
	BP          ParamGrads    `json:"bp"`
	AtZ         struct {
		F  *float64      `json:"F"`
		DZ [][][]float64 `json:"dF_dz"`
		DW [][][]float64 `json:"dF_dW"`
		DB [][]float64   `json:"dF_db"`
	} `json:"at_random_z"`
	Equilibrium struct {
		Z  [][][]float64 `json:"z"`
		F  *float64      `json:"F"`
		DW [][][]float64 `json:"dF_dW"`
		DB [][]float64   `json:"dF_db"`
	} `json:"equilibrium"`
}

// ParamGrads are gradients in weights and biases.
type ParamGrads struct {
	W [][][]float64 `json:"dW"`
	B [][]float64   `json:"db"`
}

// ReadReference reads a file of reference vectors and checks that every array has its shape.
func ReadReference(r io.Reader) (*Reference, error) {
	var ref Reference
	d := json.NewDecoder(r)
	if err := d.Decode(&ref); err != nil {
		return nil, fmt.Errorf("not a file of reference vectors: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("not a file of reference vectors: something follows the JSON object")
	}
	if ref.Format != ReferenceFormat {
		return nil, fmt.Errorf("format %q: want %q", ref.Format, ReferenceFormat)
	}
	if ref.Batch < 1 {
		return nil, fmt.Errorf("batch %d: want 1 or more", ref.Batch)
	}
	if len(ref.Networks) == 0 {
		return nil, errors.New("networks: there are none")
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(ref.Networks)) {
		if err := ref.Networks[name].validate(ref.Batch); err != nil {
			faults = append(faults, fmt.Errorf("network %s: %w", name, err))
		}
	}
	return &ref, errors.Join(faults...)
}

// validate reports the first array that has not the shape that dims and the batch ask for.
func (n *ReferenceNetwork) validate(batch int) error {
	if n == nil {
		return errors.New("null")
	}
	if err := (nn.Arch{Dims: n.Dims}).Validate(); err != nil {
		return fmt.Errorf("dims: %w", err)
	}
	if _, err := nn.ParseActivation(n.Activation); err != nil {
		return err
	}
	L := len(n.Dims) - 1
	c := shapes{dims: n.Dims}
	c.weights("W", n.W)
	c.biases("b", n.B)
	c.rows("x", n.X, batch, n.Dims[0])
	c.rows("y", n.Y, batch, n.Dims[L])
	c.layers("z", n.Z, batch, n.Dims[1:L])
	if !n.Bias {
		c.zeros("b", n.B)
	}
	for i, e := range []*Expected{n.Before, n.After} {
		place := [...]string{"before", "after"}[i]
		if e == nil {
			return fmt.Errorf("%s: missing", place)
		}
		c.layers(place+".feedforward", e.Feedforward, batch, n.Dims[1:])
		c.number(place+".loss", e.Loss)
		c.weights(place+".bp.dW", e.BP.W)
		c.biases(place+".bp.db", e.BP.B)
		c.number(place+".at_random_z.F", e.AtZ.F)
		c.layers(place+".at_random_z.dF_dz", e.AtZ.DZ, batch, n.Dims[1:L])
		c.weights(place+".at_random_z.dF_dW", e.AtZ.DW)
		c.biases(place+".at_random_z.dF_db", e.AtZ.DB)
		c.layers(place+".equilibrium.z", e.Equilibrium.Z, batch, n.Dims[1:L])
		c.number(place+".equilibrium.F", e.Equilibrium.F)
		c.weights(place+".equilibrium.dF_dW", e.Equilibrium.DW)
		c.biases(place+".equilibrium.dF_db", e.Equilibrium.DB)
	}
	return c.err
}

// shapes checks arrays against a network's widths and keeps the first fault.
type shapes struct {
	dims []int
	err  error
}

func (c *shapes) fail(name string, got, want any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %v: want %v", name, got, want)
	}
}

func (c *shapes) number(name string, v *float64) {
	if v == nil {
		c.fail(name, "missing", "a number")
	}
}

// zeros checks the biases of a network that has none.
func (c *shapes) zeros(name string, a [][]float64) {
	for i, row := range a {
		for _, v := range row {
			if v != 0 {
				c.fail(fmt.Sprintf("%s[%d]", name, i), v, "zeros where bias is false")
			}
		}
	}
}

func (c *shapes) rows(name string, m [][]float64, rows, cols int) {
	if len(m) != rows {
		c.fail(name, fmt.Sprintf("%d rows", len(m)), rows)
		return
	}
	for i, r := range m {
		if len(r) != cols {
			c.fail(fmt.Sprintf("%s, row %d", name, i), fmt.Sprintf("%d numbers", len(r)), cols)
			return
		}
		for _, v := range r {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				c.fail(name, v, "finite numbers")
				return
			}
		}
	}
}

func (c *shapes) layers(name string, a [][][]float64, rows int, widths []int) {
	if len(a) != len(widths) {
		c.fail(name, fmt.Sprintf("%d arrays", len(a)), len(widths))
		return
	}
	for i, m := range a {
		c.rows(fmt.Sprintf("%s[%d]", name, i), m, rows, widths[i])
	}
}

func (c *shapes) weights(name string, a [][][]float64) {
	if len(a) != len(c.dims)-1 {
		c.fail(name, fmt.Sprintf("%d arrays", len(a)), len(c.dims)-1)
		return
	}
	for i, m := range a {
		c.rows(fmt.Sprintf("%s[%d]", name, i), m, c.dims[i+1], c.dims[i])
	}
}

func (c *shapes) biases(name string, a [][]float64) {
	if len(a) != len(c.dims)-1 {
		c.fail(name, fmt.Sprintf("%d arrays", len(a)), len(c.dims)-1)
		return
	}
	for i, v := range a {
		c.rows(fmt.Sprintf("%s[%d]", name, i), [][]float64{v}, 1, c.dims[i+1])
	}
}
