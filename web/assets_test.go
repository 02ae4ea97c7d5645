package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/settle-pc/settle/plot"
)

// TestWasmIsBuiltFromTheSource: the committed program and wasm_exec.js are what build-wasm.sh makes of toywasm and toy with
// go.mod's toolchain.
func TestWasmIsBuiltFromTheSource(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^toolchain (\S+)$`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("go.mod names no toolchain")
	}
	if v := runtime.Version(); v != string(m[1]) {
		if os.Getenv("SETTLE_FULL") != "" {
			t.Fatalf("this is %s, go.mod's toolchain %s, and SETTLE_FULL is set", v, m[1])
		}
		t.Skipf("this is %s, go.mod's toolchain is %s", v, m[1])
	}
	out := filepath.Join(t.TempDir(), "toy.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, "./toywasm")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	built, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := files.ReadFile("static/toy.wasm.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sha256.Sum256(committed), sha256.Sum256(built); a != b {
		t.Errorf("static/toy.wasm.gz holds %x, the source makes %x: run web/build-wasm.sh", a, b)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := files.ReadFile("static/wasm_exec.js"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("static/wasm_exec.js is not the toolchain's (%v): run web/build-wasm.sh", err)
	}
}

// TestWasmImportsLittle: no fmt and no encoding/json, which would double it.
func TestWasmImportsLittle(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./toywasm")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS=")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 20 {
		t.Fatalf("only %d packages: %q", len(deps), deps)
	}
	for _, p := range deps {
		if p == "fmt" || p == "encoding/json" || p == "reflect" {
			t.Errorf("toywasm takes in %s", p)
		}
	}
}

// TestFirstLoadIsSmall: what the toy's page needs before it is there, as it is sent, is below 1 MB.
func TestFirstLoadIsSmall(t *testing.T) {
	a, err := allAssets()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for at, f := range a.byPath {
		name := strings.TrimPrefix(at, "/")
		if at == "/{$}" || ofToy(name) && !strings.HasPrefix(name, "third_party/") && name != "static/js/space.js" {
			if f.packed != nil {
				sum += len(f.packed)
			} else {
				sum += len(f.body)
			}
		}
	}
	t.Logf("%d bytes", sum)
	if sum > 1_000_000 || sum < 300_000 {
		t.Errorf("the first load is %d bytes, want some 600,000, at most 1,000,000", sum)
	}
}

// thirdParty are the released files, as the npm packages of these versions have them.
var thirdParty = map[string]string{
	"third_party/uplot/uPlot.esm.js":        "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba", // uplot 1.6.32, dist/
	"third_party/uplot/uPlot.min.css":       "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
	"third_party/plotly/plotly-gl3d.min.js": "aab04dcd9c103a92b18723f8c837712fe820f325d0bcd2421e415e8124a75b9f", // plotly.js-gl3d-dist-min 4.1.1
}

// TestReleasedFilesAreUnchanged, and each has its licence beside it and its line in THIRD_PARTY.md.
func TestReleasedFilesAreUnchanged(t *testing.T) {
	notice, err := os.ReadFile("../THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range thirdParty {
		b, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if _, err := files.ReadFile(dir + "/LICENSE"); err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(notice), "web/"+dir) {
			t.Errorf("THIRD_PARTY.md does not name web/%s", dir)
		}
	}
}

// TestColoursAreThoseOfTheFigures.
func TestColoursAreThoseOfTheFigures(t *testing.T) {
	b, err := files.ReadFile("static/js/color.js")
	if err != nil {
		t.Fatal(err)
	}
	source := string(b)
	hex := func(c plot.Color) string { return fmt.Sprintf(`"#%06X"`, uint32(c)>>8) }
	want := []string{"bp: " + hex(plot.Blue), "pc: " + hex(plot.Vermillion),
		"lines = [" + strings.Join([]string{hex(plot.Green), hex(plot.Purple), hex(plot.Orange), hex(plot.Sky)}, ", "), "over: " + hex(plot.Yellow)}
	for name, p := range map[string]plot.Palette{"BlueWhiteRed": plot.BlueWhiteRed, "BlueWhiteOrange": plot.BlueWhiteOrange, "Cividis": plot.Cividis} {
		var stops []string
		for _, c := range p.Colors {
			stops = append(stops, hex(c))
		}
		want = append(want, name+": ["+strings.Join(stops, ", ")+"]")
	}
	for _, w := range want {
		if !strings.Contains(source, w) {
			t.Errorf("color.js lacks %s", w)
		}
	}
}

// TestPagesAskForNothingElsewhere: no address of another host in anything of ours, and no style or script in the pages, which
// the policy would stop.
func TestPagesAskForNothingElsewhere(t *testing.T) {
	a, err := allAssets()
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]{2,}`)
	inside := regexp.MustCompile(`(?i)<style|style=|<script>| on[a-z]+="`)
	looked := 0
	for at, f := range a.byPath {
		if strings.HasPrefix(at, "/third_party") || at == "/static/wasm_exec.js" || at == "/static/toy.wasm.gz" {
			continue
		}
		looked++
		for _, found := range address.FindAllString(string(f.body), -1) {
			if found != "http://www.w3" && !strings.HasPrefix(found, "http://www.w3.org") {
				t.Errorf("%s: %s", at, found)
			}
		}
		if strings.HasPrefix(f.kind, "text/html") {
			if found := inside.Find(f.body); found != nil {
				t.Errorf("%s: %s", at, found)
			}
		}
	}
	if looked < 15 {
		t.Errorf("only %d files looked at", looked)
	}
}
