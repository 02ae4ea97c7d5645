package sweep

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/train"
)

// Schema returns the JSON Schema of a sweep's file, for editors. What Parse refuses beyond it: parameters that are in two
// places, conditions that never hold or go in a circle, bounds in the wrong order.
func Schema() ([]byte, error) {
	s := object("A sweep: many trainings by one file. See docs/clusters.md.", []property{
		{"name", &jsonschema.Schema{Type: "string", Pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", MaxLength: size(maxName), Description: "of jobs and files"}},
		{"base", settings("settings of every trial, by the names of train's flags", value)},
		{"grid", atLeastOne(settings("lists of values, of which every combination is tried", axis))},
		{"sample", sample()},
		{"seeds", &jsonschema.Schema{Type: "array", Items: whole("0"), MinItems: size(1), UniqueItems: true, Description: "of initial weights and order of batches"}},
		{"halving", object("successive halving, on the local engine: the best configurations go on", []property{
			{"metric", words(Metrics)},
			{"rungs", &jsonschema.Schema{Type: "integer", Minimum: "2", Maximum: "10", Description: "how often configurations are judged"}},
			{"factor", &jsonschema.Schema{Type: "integer", Minimum: "2", Maximum: "10", Description: "one in so many goes on, for so many times the batches"}},
		})},
	})
	s.Version, s.Title = jsonschema.Version, "settle sweep"
	for _, key := range []string{"grid", "sample", "seeds"} {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Required: []string{key}})
	}
	s.Definitions = definitions()
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

type property struct {
	name   string
	schema *jsonschema.Schema
}

func object(description string, properties []property) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Description: description, Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, p := range properties {
		s.Properties.Set(p.name, p.schema)
	}
	return s
}

func settings(description string, of func(name string) *jsonschema.Schema) *jsonschema.Schema {
	var list []property
	for _, name := range names() {
		list = append(list, property{name, of(name)})
	}
	return object(description, list)
}

func size(n uint64) *uint64 { return &n }

func atLeastOne(s *jsonschema.Schema) *jsonschema.Schema {
	s.MinProperties = size(1)
	return s
}

func words(list []string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range list {
		s.Enum = append(s.Enum, w)
	}
	return s
}

func whole(least json.Number) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "integer", Minimum: least}
}

func ref(name string) *jsonschema.Schema { return &jsonschema.Schema{Ref: "#/$defs/" + name} }

// value refers to the definition of a setting.
func value(name string) *jsonschema.Schema { return ref(name) }

func list(of *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "array", Items: of, MinItems: size(1), UniqueItems: true}
}

// axis is a list of values, or one under conditions.
func axis(name string) *jsonschema.Schema {
	conditional := object("", []property{{"values", list(ref(name))}, {"when", ref("when")}})
	conditional.Required = []string{"values"}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{list(ref(name)), conditional}}
}

func sample() *jsonschema.Schema {
	s := object("points drawn from ranges, the same at every point of the grid", []property{
		{"method", words(Methods)}, {"n", whole("1")}, {"seed", whole("0")},
		{"ranges", atLeastOne(settings("a range for each sampled setting", rangeSchema))},
	})
	s.Required = []string{"n", "ranges"}
	return s
}

// rangeSchema is one of the kinds of ranges that suit the setting.
func rangeSchema(name string) *jsonschema.Schema {
	bounds := func(of string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: of}, MinItems: size(2), MaxItems: size(2)}
	}
	kinds := []property{{"choice", list(ref(name))}}
	switch train.Kind(name) {
	case reflect.Float64:
		kinds = append(kinds, property{"uniform", bounds("number")}, property{"log-uniform", bounds("number")}, property{"int", bounds("integer")})
	case reflect.Int:
		kinds = append(kinds, property{"int", bounds("integer")})
	}
	s := object("", append(kinds, property{"when", ref("when")}))
	for _, k := range kinds {
		s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{k.name}})
	}
	return s
}

// definitions holds the settings, as they are reflected from train.Spec with the words that are accepted, and when.
func definitions() jsonschema.Definitions {
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true}
	reflected := r.Reflect(&train.Spec{}).Properties
	out := jsonschema.Definitions{}
	for _, name := range names() {
		out[name], _ = reflected.Get(name)
	}
	for name, list := range map[string][]string{
		"act": nn.Activations(), "act-place": {"after", "before"}, "dtype": train.DTypes, "target": train.Targets, "rule": train.Rules, "solver": learn.MethodNames(),
		"coords": train.Coordinates, "param": nn.Parameterisations(), "optim": train.Optimizers, "schedule": train.Schedules,
	} {
		out[name] = words(list)
	}
	out["when"] = settings("part of the trials in which these settings have these values, or one of them", func(name string) *jsonschema.Schema {
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{ref(name), list(ref(name))}}
	})
	return out
}
