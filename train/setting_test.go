package train

import (
	"strings"
	"testing"
)

// A setting set from text reads back as that text, and no other setting changes.
func TestSettingsRoundTrip(t *testing.T) {
	for _, name := range Settings() {
		s := Defaults()
		before := map[string]string{}
		for _, n := range Settings() {
			before[n] = s.Value(n)
		}
		text := "54321"
		if before[name] == "true" || before[name] == "false" {
			text = "true"
		}
		if err := s.Set(name, text); err != nil {
			t.Error(err)
		}
		for _, n := range Settings() {
			if want := map[bool]string{true: text, false: before[n]}[n == name]; s.Value(n) != want {
				t.Errorf("after --%s %s, %s is %q, want %q", name, text, n, s.Value(n), want)
			}
		}
	}
}

func TestEqualValuesHaveEqualTexts(t *testing.T) {
	for _, c := range [][3]string{{"lr", "1e-3", "0.00100"}, {"bias", "1", "true"}, {"batch", "0x10", "16"}, {"seed", "7", "0b111"}} {
		a, b := Defaults(), Defaults()
		if err := a.Set(c[0], c[1]); err != nil {
			t.Fatal(err)
		}
		if err := b.Set(c[0], c[2]); err != nil {
			t.Fatal(err)
		}
		if a.Value(c[0]) != b.Value(c[0]) {
			t.Errorf("%s: %s is %q, %s is %q", c[0], c[1], a.Value(c[0]), c[2], b.Value(c[0]))
		}
	}
}

func TestSetSaysWhatIsAccepted(t *testing.T) {
	for _, c := range [][3]string{
		{"lr", "fast", `--lr "fast": want a number`}, {"batch", "2.5", `--batch "2.5": want a whole number`},
		{"seed", "-1", `--seed "-1": want a whole number from 0`}, {"bias", "perhaps", `--bias "perhaps": want true or false`},
		{"lr", "1e999", `--lr "1e999": want a number`},
	} {
		s := Defaults()
		if err := s.Set(c[0], c[1]); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%v, want %s", err, c[2])
		}
	}
}

func TestCompleteFollowsWhatWasGiven(t *testing.T) {
	for _, c := range []struct {
		given map[string]string
		want  map[string]string
	}{
		{map[string]string{"param": "mupc"}, map[string]string{"init": "normal:1", "residual": "true", "epochs": "1"}},
		{map[string]string{"param": "ntk"}, map[string]string{"init": "normal:1", "residual": "false"}},
		{map[string]string{"param": "mupc", "init": "he", "residual": "false"}, map[string]string{"init": "he", "residual": "false"}},
		{map[string]string{"batches": "3"}, map[string]string{"epochs": "0", "init": "fanin"}},
		{map[string]string{"steps": "8", "tol": "0.1"}, map[string]string{"gap": "0", "tol": "0.1", "max-passes": "1e+09"}},
	} {
		s := Defaults()
		for k, v := range c.given {
			if err := s.Set(k, v); err != nil {
				t.Fatal(err)
			}
		}
		s.Complete(func(name string) bool { _, ok := c.given[name]; return ok })
		for k, v := range c.want {
			if got := s.Value(k); got != v {
				t.Errorf("%v: %s is %s, want %s", c.given, k, got, v)
			}
		}
	}
}
