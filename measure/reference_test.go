package measure

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readFile reads a file of testdata.
func readFile(t testing.TB, name string) *Reference {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ref, err := ReadReference(f)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// toyJSON is a file with the toy f(x) = w2·w1·x for one sample, every number by its closed form (notation, section 2).
func toyJSON() map[string]any {
	const x, y, w1, w2, z = 1.3, 0.9, 0.3, -0.7, 0.5
	const r = y - w2*w1*x
	const star = (w1*x + w2*y) / (1 + w2*w2)
	vec := func(v float64) any { return []any{v} }
	mat := func(v float64) any { return []any{vec(v)} }
	expected := func() map[string]any {
		at := func(z float64) (f, dz, dw1, dw2 float64) {
			e1, e2 := z-w1*x, y-w2*z
			return (e1*e1 + e2*e2) / 2, e1 - w2*e2, -e1 * x, -e2 * z
		}
		f, dz, d1, d2 := at(z)
		fStar, _, s1, s2 := at(star)
		return map[string]any{
			"feedforward": []any{mat(w1 * x), mat(w2 * w1 * x)},
			"loss":        r * r / 2,
			"bp":          map[string]any{"dW": []any{mat(-r * w2 * x), mat(-r * w1 * x)}, "db": []any{vec(-r * w2), vec(-r)}},
			"at_random_z": map[string]any{"F": f, "dF_dz": []any{mat(dz)},
				"dF_dW": []any{mat(d1), mat(d2)}, "dF_db": []any{vec(d1 / x), vec(d2 / z)}},
			"equilibrium": map[string]any{"z": []any{mat(star)}, "F": fStar,
				"dF_dW": []any{mat(s1), mat(s2)}, "dF_db": []any{vec(s1 / x), vec(s2 / star)}},
		}
	}
	return map[string]any{"format": ReferenceFormat, "batch": 1, "networks": map[string]any{"toy": map[string]any{
		"dims": []any{1, 1, 1}, "activation": "linear", "bias": false,
		"W": []any{mat(w1), mat(w2)}, "b": []any{vec(0), vec(0)}, "x": mat(x), "y": mat(y), "z": []any{mat(z)},
		"before": expected(), "after": expected(),
	}}}
}

func decode(v any) (*Reference, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return ReadReference(bytes.NewReader(text))
}

// set replaces the value at a path of keys, or removes it if v is nil.
func set(root map[string]any, path string, v any) {
	keys := strings.Split(path, "/")
	at := root
	for _, k := range keys[:len(keys)-1] {
		at = at[k].(map[string]any)
	}
	last := keys[len(keys)-1]
	if v == nil {
		delete(at, last)
	} else {
		at[last] = v
	}
}

func TestEveryArrayMustHaveItsShape(t *testing.T) {
	toy := "networks/toy/"
	num, vec, mat := 0.5, []any{0.5}, []any{[]any{0.5}}
	for _, c := range []struct {
		path string
		v    any
		want string // what the message names
	}{
		{"format", "pc-reference/2", `format "pc-reference/2"`},
		{"format", nil, `want "pc-reference/1"`},
		{"batch", 0, "batch 0"},
		{"batch", nil, "batch 0"},
		{"batch", 2, "x: 1 rows: want 2"},
		{"networks", map[string]any{}, "there are none"},
		{"networks", nil, "there are none"},
		{"networks/toy", map[string]any{}, "network toy: dims"},
		{toy + "dims", []any{1}, "dims"},
		{toy + "dims", []any{1, 0, 1}, "dims"},
		{toy + "dims", []any{1, 1}, "W: 2 arrays"},
		{toy + "dims", []any{1 << 20, 1 << 20, 1}, "dims"},
		{toy + "dims", []any{1000, 1000, 1000}, "W[0]: 1 rows: want 1000"},
		{toy + "activation", "wobble", `activation "wobble"`},
		{toy + "W", []any{mat}, "W: 1 arrays"},
		{toy + "W", []any{mat, []any{vec, vec}}, "W[1]: 2 rows"},
		{toy + "W", []any{mat, []any{[]any{1, 2}}}, "W[1], row 0: 2 numbers"},
		{toy + "b", []any{vec}, "b: 1 arrays"},
		{toy + "b", []any{vec, []any{}}, "b[1], row 0: 0 numbers"},
		{toy + "b", []any{[]any{0}, vec}, "b[1]: 0.5: want zeros"},
		{toy + "x", []any{}, "x: 0 rows"},
		{toy + "y", nil, "y: 0 rows"},
		{toy + "z", []any{mat, mat}, "z: 2 arrays"},
		{toy + "before", nil, "before: missing"},
		{toy + "after", nil, "after: missing"},
		{toy + "after/feedforward", []any{mat}, "after.feedforward: 1 arrays"},
		{toy + "after/loss", nil, "after.loss: missing"},
		{toy + "after/bp", nil, "after.bp.dW: 0 arrays"},
		{toy + "after/bp/db", []any{vec, vec, vec}, "after.bp.db: 3 arrays"},
		{toy + "after/at_random_z", nil, "after.at_random_z.F: missing"},
		{toy + "after/at_random_z/F", nil, "after.at_random_z.F: missing"},
		{toy + "after/at_random_z/dF_dz", []any{}, "after.at_random_z.dF_dz: 0 arrays"},
		{toy + "after/at_random_z/dF_dW", nil, "after.at_random_z.dF_dW"},
		{toy + "after/at_random_z/dF_db", nil, "after.at_random_z.dF_db"},
		{toy + "before/equilibrium", nil, "before.equilibrium.z"},
		{toy + "before/equilibrium/z", []any{[]any{vec, vec}}, "before.equilibrium.z[0]: 2 rows"},
		{toy + "before/equilibrium/F", nil, "before.equilibrium.F: missing"},
		{toy + "before/equilibrium/dF_dW", nil, "before.equilibrium.dF_dW"},
		{toy + "before/equilibrium/dF_db", nil, "before.equilibrium.dF_db"},
		{toy + "before/loss", "text", "not a file of reference vectors"},
		{toy + "x", num, "not a file of reference vectors"},
	} {
		file := toyJSON()
		set(file, c.path, c.v)
		_, err := decode(file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: error %v: want one with %q", c.path, c.v, err, c.want)
		}
	}
}

func TestWhatIsNoReferenceIsRefused(t *testing.T) {
	good, err := json.Marshal(toyJSON())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "null", "[]", "{", `{"format":"pc-reference/1"`, string(good[:len(good)/2]), string(good) + "x",
		string(good) + string(good), strings.Replace(string(good), `"batch":1`, `"batch":NaN`, 1)} {
		if _, err := ReadReference(strings.NewReader(text)); err == nil {
			t.Errorf("accepted %.60q", text)
		}
	}
	if _, err := ReadReference(bytes.NewReader(append(good, '\n'))); err != nil {
		t.Error(err)
	}
}

func TestErrorsThatAreNoNumbersAreNullInJSON(t *testing.T) {
	in := RelErrors{Loss: RelError(math.NaN()), F: RelError(math.Inf(1)), DZ: 1e-3}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"feedforward":0,"loss":null,"bp":0,"F":null,"dF_dz":0.001,"dF_dtheta":0,"equilibrium_z":0,"equilibrium_F":0,"equilibrium_dF_dtheta":0}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var out RelErrors
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(float64(out.Loss)) || out.DZ != 1e-3 || out.within(tolerances["float32"]) {
		t.Errorf("read back as %+v", out)
	}
}

// FuzzReadReference: whatever is accepted can be compared with, to an object that JSON holds.
func FuzzReadReference(f *testing.F) {
	good, err := json.Marshal(toyJSON())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":"pc-reference/1","batch":1,"networks":{"a":null}}`))
	f.Add(bytes.ReplaceAll(good, []byte("0.3"), []byte("1e300")))
	f.Add(bytes.ReplaceAll(good, []byte("linear"), []byte("gelu")))
	f.Fuzz(func(t *testing.T, text []byte) {
		ref, err := ReadReference(bytes.NewReader(text))
		if err != nil {
			return
		}
		width := ref.Batch
		for _, n := range ref.Networks {
			for _, d := range n.Dims {
				width += d
			}
		}
		if width > 20 {
			return // right, but slow
		}
		if _, err := json.Marshal(Verify(ref, "fuzz")); err != nil {
			t.Error(err)
		}
	})
}
