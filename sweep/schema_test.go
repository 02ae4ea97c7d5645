package sweep

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compiled is our schema as an independent validator reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sweep.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sweep.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// value reads YAML as an editor hands it to a validator: as JSON.
func valueOf(t *testing.T, source string) any {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaOfTheDocsIsThisOne(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/sweep.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/sweep.schema.json: %v: want what  settle sweep schema  prints", err)
	}
}

func TestTheSchemaAcceptsTheExamples(t *testing.T) {
	files, err := filepath.Glob("../docs/examples/sweep*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	s := compiled(t)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(valueOf(t, string(b))); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// What the schema accepts and refuses, Parse does.
func TestTheSchemaAgreesWithParse(t *testing.T) {
	s := compiled(t)
	for source, ok := range map[string]bool{
		"grid: {lr: [1, 2]}": true,
		"grid: {rule: [bp, pc], gap: {values: [0.1], when: {rule: pc}}}":         true,
		"grid: {rule: [bp, pc], gap: {values: [0.1], when: {rule: [bp, pc]}}}":   true,
		"sample: {n: 3, ranges: {lr: {uniform: [0, 1]}, batch: {int: [1, 20]}}}": true,
		"seeds: [1, 2]\nbase: {bias: true, arch: 784-10, lr: 1}":                 true,
		"seeds: [1]\nhalving: {metric: test_accuracy, rungs: 4, factor: 2}":      true,
		"name: a-1\nseeds: [1]": true,
		"":                      false,
		"base: {lr: 1}":         false,
		"gird: {lr: [1]}":       false,
		"grid: {lrr: [1]}":      false,
		"grid: {}":              false,
		"grid: {lr: []}":        false,
		"grid: {lr: 1}":         false,
		"grid: {lr: [fast]}":    false,
		"grid: {lr: [1, 1]}":    false,
		"grid: {seed: [1]}":     false,
		"grid: {lr: {values: [1], wen: {rule: pc}}}":               false,
		"grid: {lr: {when: {rule: pc}}}":                           false,
		"grid: {batch: [2.5]}":                                     false,
		"seeds: []":                                                false,
		"seeds: [-1]":                                              false,
		"sample: {n: 3}":                                           false,
		"sample: {n: 0, ranges: {lr: {uniform: [0, 1]}}}":          false,
		"sample: {n: 3, ranges: {act: {uniform: [0, 1]}}}":         false,
		"sample: {n: 3, ranges: {batch: {uniform: [1, 2]}}}":       false,
		"sample: {n: 3, ranges: {lr: {uniform: [1]}}}":             false,
		"sample: {n: 3, ranges: {lr: {}}}":                         false,
		"sample: {n: 3, method: grid, ranges: {lr: {int: [1,2]}}}": false,
		"seeds: [1]\nhalving: {rungs: 1}":                          false,
		"name: ../x\nseeds: [1]":                                   false,
		"name: " + strings.Repeat("x", 41) + "\nseeds: [1]":        false,
	} {
		if _, err := Parse("s.yaml", []byte(source)); (err == nil) != ok {
			t.Errorf("Parse(%q): %v", source, err)
		}
		if err := s.Validate(valueOf(t, source)); (err == nil) != ok {
			t.Errorf("the schema on %q: %v", source, err)
		}
	}
}
