package model

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/settle-pc/settle/internal/check"
	"github.com/settle-pc/settle/internal/pythontest"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
)

// visit follows docs/interop.md's load, inputs and forward: it prints the outputs of every model given, and writes each
// again with the package's own writer.
const visit = `
import json, sys
from safetensors.numpy import load_file, save_file

images = np.array([[(37 * i + 11 * j * j) % 256 for j in range(6)] for i in range(4)], dtype=np.uint8)
out = []
for path in sys.argv[1:]:
    meta, layers = load(path)
    out.append(forward(meta, layers, inputs(meta, images)).tolist())
    tensors = load_file(path)
    save_file({name: tensors[name] for name in sorted(tensors, reverse=True)}, path + ".again", metadata=meta)
print(json.dumps(out))
`

// pageCode is the Python of docs/interop.md that reads a model.
func pageCode(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/interop.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "## NumPy\n\n```python\n")
	code, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("docs/interop.md has no Python block under NumPy")
	}
	return code
}

// Files of every kind of network, read by Python's safetensors and run by the documented NumPy code, give the outputs that
// settle gives; written by Python, they are the same networks.
func TestPythonReadsAndWritesTheSameNetworks(t *testing.T) {
	code := pageCode(t)
	dir := t.TempDir()
	var paths []string
	var want []tensor.Matrix[float64]
	var sums []string
	for a := range nn.Activations() {
		for k := range 16 {
			m := meta(k&1 > 0)
			m.Arch.Act, m.Arch.Residual = nn.Activation(a), k&2 > 0
			if k&4 > 0 {
				m.Arch.Place = nn.After
			}
			if k == 5 {
				m.Rows, m.Cols, m.Channels, m.ByChannel = 1, 2, 3, []Unit{{0.1, 0.5}, {0.4, 0.25}, {0.7, 2}}
			}
			m.Arch.Param = nn.Parameterisation((a + k) % len(nn.Parameterisations()))
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.safetensors", a, k))
			if k&8 > 0 {
				sums = append(sums, saved[float64](t, path, m))
			} else {
				sums = append(sums, saved[float32](t, path, m))
			}
			paths = append(paths, path)
			want = append(want, outputs(t, path))
		}
	}
	var got [][][]float64
	text := pythontest.Run(t, dir, code+visit, paths...)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err, text)
	}
	for i, path := range paths {
		for b, row := range got[i] {
			// The same sums in float64, in another order.
			if e := check.RelError(row, want[i].Row(b)); !(e < 1e-13) {
				t.Errorf("%s: image %d: NumPy has %v, settle %v", path, b, row, want[i].Row(b))
			}
		}
		if sum := resaved(t, path+".again", i%16 >= 8); sum != sums[i] {
			t.Errorf("%s: other weights after Python wrote them", path)
		}
	}
}

// saved writes a new network, all of whose parameters are random, and returns its Sum.
func saved[T tensor.Float](t *testing.T, path string, m Meta) string {
	t.Helper()
	net := build[T](t, m)
	rng := rand.New(rand.NewPCG(8, 9))
	net.Update(func(theta []T) {
		for i := range theta {
			theta[i] = T(rng.NormFloat64())
		}
	})
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Save(f, net, m); err != nil {
		t.Fatal(err)
	}
	return Sum(net)
}

func opened(t *testing.T, path string) *File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outputs returns what the network of a file makes of the four images of the script, in float64.
func outputs(t *testing.T, path string) tensor.Matrix[float64] {
	t.Helper()
	m := opened(t, path)
	net, err := Network[float64](m)
	if err != nil {
		t.Fatal(err)
	}
	trace := nn.NewTrace(net, 4)
	trace.Z[0] = tensor.New[float64](4, 6)
	for i := range 4 {
		for j := range 6 {
			u := Unit{m.Mean, m.Std}
			if m.ByChannel != nil {
				u = m.ByChannel[j%3]
			}
			trace.Z[0].Row(i)[j] = (float64((37*i+11*j*j)%256)/255 - u.Mean) / u.Std
		}
	}
	trace.Feedforward()
	return trace.Z[net.L()]
}

// resaved returns the Sum of a file's network in the element type it was saved in.
func resaved(t *testing.T, path string, double bool) string {
	t.Helper()
	m := opened(t, path)
	if double {
		net, err := Network[float64](m)
		if err != nil {
			t.Fatal(err)
		}
		return Sum(net)
	}
	net, err := Network[float32](m)
	if err != nil {
		t.Fatal(err)
	}
	return Sum(net)
}
