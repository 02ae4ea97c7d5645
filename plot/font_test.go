package plot

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/vg"
)

// The symbols of the notation and of tick labels.
const symbols = "∇₀₁₂₃₄₅₆₇₈₉ₙₜₗₘᵢⱼₖ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ*ℒℱ𝓛θΔα−φ∂λμπρσεηβγκτΣ×·√∞≤≥≈≠±‖⟨⟩→′ŷẑ…–—é"

func TestTheFontHasTheSymbolsOfTheNotation(t *testing.T) {
	var buf sfnt.Buffer
	for _, r := range printable(symbols) {
		if i, err := parsed.GlyphIndex(&buf, r); err != nil || i == 0 || r == '\uFFFD' {
			t.Errorf("no glyph for %c (%U)", r, r)
		}
		if r > 0xFFFF {
			t.Errorf("%c (%U) cannot be written to PDF", r, r)
		}
	}
	if name, err := parsed.Name(&buf, sfnt.NameIDFamily); err != nil || name != typeface {
		t.Errorf("the font is %q, %v", name, err)
	}
	licence, err := os.ReadFile("fonts/LICENSE-DejaVu")
	if err != nil || !strings.Contains(string(licence), "Bitstream Vera") {
		t.Errorf("no licence beside the font: %v", err)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"w₁ − 10⁻²": "w₁ − 10⁻²", "𝓛 𝓕 𝒩 𝐖 𝔼 𝘢": "ℒ ℱ N W E a", "a\tb\x00c\x7f": "a b c ", "two\nlines": "two\nlines",
		"\xff": "\uFFFD", "世": "\uFFFD", "😀": "\uFFFD",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	em := textWidth("m", 10)
	for _, c := range []struct {
		in   string
		ems  vg.Length
		want string
	}{{"mmm", 3.01, "mmm"}, {"mmmm", 3.1, "mm…"}, {"θθθθ", 0.1, "…"}, {"", 0, ""}} {
		if got := shorten(c.in, 10, c.ems*em); got != c.want {
			t.Errorf("shorten(%q, %v ems) = %q, want %q", c.in, c.ems, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	em := textWidth("m", 10)
	for _, c := range []struct {
		in   string
		ems  vg.Length
		want string
	}{
		{"", 5, ""}, {" \n ", 5, ""}, {"mm mm", 9, "mm mm"}, {"mm mm mm", 6, "mm mm|mm"}, {"mmmmmmmm m", 3, "mmmmmmmm|m"},
		{"m\nm", 9, "m|m"}, {"m\n\nm", 9, "m||m"}, {"mm mm mm mm mm m", 12, "mm mm mm|mm mm m"},
	} {
		if got := strings.Join(wrap(c.in, 10, c.ems*em), "|"); got != c.want {
			t.Errorf("wrap(%q, %v ems) = %q, want %q", c.in, c.ems, got, c.want)
		}
	}
}
