package train

import (
	"fmt"
	"reflect"
	"strconv"
)

// Settings returns the names of the settings of a training: the JSON keys of Spec, which are the names of the flags, in
// the order of its fields.
func Settings() []string {
	var names []string
	for f := range reflect.TypeFor[Spec]().Fields() {
		names = append(names, f.Tag.Get("json"))
	}
	return names
}

// field returns the field that a setting names.
func (s *Spec) field(name string) (reflect.Value, bool) {
	for f, v := range reflect.ValueOf(s).Elem().Fields() {
		if f.Tag.Get("json") == name {
			return v, true
		}
	}
	return reflect.Value{}, false
}

// Kind returns the kind of a setting's values: Bool, Int, Uint64, Float64 or String. A name that is none of Settings is the
// caller's bug.
func Kind(name string) reflect.Kind {
	v, ok := new(Spec).field(name)
	if !ok {
		panic("train: unknown setting")
	}
	return v.Kind()
}

// Set gives a setting the value that a command line or a file has for it. The error says what is accepted; a name that is
// none of Settings is the caller's bug.
func (s *Spec) Set(name, value string) error {
	v, ok := s.field(name)
	if !ok {
		panic("train: unknown setting")
	}
	var err error
	want := "true or false"
	switch v.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(value)
		v.SetBool(b)
	case reflect.Int:
		var n int64
		want = "a whole number"
		n, err = strconv.ParseInt(value, 0, strconv.IntSize)
		v.SetInt(n)
	case reflect.Uint64:
		var n uint64
		want = "a whole number from 0"
		n, err = strconv.ParseUint(value, 0, 64)
		v.SetUint(n)
	case reflect.Float64:
		var x float64
		want = "a number"
		x, err = strconv.ParseFloat(value, 64)
		v.SetFloat(x)
	}
	if err != nil {
		return fmt.Errorf("--%s %q: want %s", name, value, want)
	}
	return nil
}

// Value returns a setting as text, such that equal values have equal texts and Set takes it. A name that is none of
// Settings is the caller's bug.
func (s *Spec) Value(name string) string {
	v, ok := s.field(name)
	if !ok {
		panic("train: unknown setting")
	}
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// unlimitedPasses is what a fixed number of steps or a horizon puts in place of the default limit.
const unlimitedPasses = 1e9

// Complete fills in what follows from which settings were given: batches replace the default epochs, a residual ratio
// without a gap decides alone, and so does a fixed number of steps or a horizon, but for a test that was asked for; a parameterisation other than the
// standard one comes with the weights that it is made for, and depth-μP with its skip connections, two networks with the activities that they
// share as coordinates.
func (s *Spec) Complete(given func(setting string) bool) {
	if given("batches") && !given("epochs") {
		s.Epochs = 0
	}
	if s.Param != "standard" && !given("init") { // the constants are made for these
		s.Init = "normal:1"
	}
	if s.Param == "mupc" && !given("residual") {
		s.Residual = true
	}
	if s.bidirectional() && !given("coords") {
		s.Coords = "activities"
	}
	if given("tol") && !given("gap") {
		s.Gap = 0
	}
	if s.Steps == 0 && s.Horizon == 0 {
		return
	}
	if !given("gap") {
		s.Gap = 0
	}
	if !given("tol") {
		s.Tol = 0
	}
	if !given("max-passes") {
		s.MaxPasses = unlimitedPasses
	}
}
