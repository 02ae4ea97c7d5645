package nearest

import "testing"

func TestWordIsTheOneMeant(t *testing.T) {
	known := []string{"lr", "arch", "act", "act-place", "weight-decay", "momentum", "batch", "batches", "rule"}
	for word, want := range map[string]string{
		"lrr": "lr", "rl": "lr", "l": "lr", "acrh": "arch", "actt": "act", "weight_decay": "weight-decay", "weigthdecay": "weight-decay",
		"momentun": "momentum", "batchs": "batch", "batchess": "batches", "rules": "rule", "speed": "", "x": "", "": "", "optimizer": "",
	} {
		if got := Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d changes, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("%q to %q: %d changes, want %d", c.b, c.a, got, c.want)
		}
	}
}
