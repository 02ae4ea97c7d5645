package report_test

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/settle-pc/settle/report"
	"github.com/settle-pc/settle/store"
)

// black is the extent of the picture in a figure: of runs of black pixels longer than any stroke of a letter.
func black(img image.Image) image.Rectangle {
	b := img.Bounds()
	area := image.Rectangle{Min: b.Max}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		run := 0
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, bl, _ := img.At(x, y).RGBA(); r == 0 && g == 0 && bl == 0 {
				run++
			} else {
				run = 0
			}
			if run > 40 {
				area.Min.X, area.Min.Y = min(area.Min.X, x-40), min(area.Min.Y, y)
				area.Max.X, area.Max.Y = max(area.Max.X, x), max(area.Max.Y, y)
			}
		}
	}
	return area
}

// TestGenerationDrawsImagesUpright: the first kind on top, pixels where they are in their images, white where they are 1; and what a
// table of something else says.
func TestGenerationDrawsImagesUpright(t *testing.T) {
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(kind string, index int, pixels ...float64) {
		if err := run.Row("images", []string{"kind", "index", "pixels"}, []any{kind, index, pixels}); err != nil {
			t.Fatal(err)
		}
	}
	put("drawn", 0, 1, 0, 0, 0) // upper left
	put("drawn", 1, 0, 0, 0, 1) // lower right
	put("given", 0, 0, 1, 0, 0) // upper right
	files, err := report.Generation(run, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	var img image.Image
	for _, name := range files {
		if strings.HasSuffix(name, ".png") {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if img, err = png.Decode(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	area := black(img)
	// Rows of cells from above: 1 0 | 0 0, 0 0 | 0 1, then 0 1 | - -, 0 0 | - -.
	want := [][]bool{{true, false, false, false}, {false, false, false, true}, {false, true, false, false}, {false, false, false, false}}
	for row, cells := range want {
		for col, white := range cells {
			x := area.Min.X + (2*col+1)*area.Dx()/8
			y := area.Min.Y + (2*row+1)*area.Dy()/8
			if r, _, _, _ := img.At(x, y).RGBA(); (r > 0x8000) != white {
				t.Errorf("cell %d, %d is %#x, want white: %v", row, col, r, white)
			}
		}
	}
	if _, err := report.Generation(run, 3, 3); err == nil || !strings.Contains(err.Error(), "4 pixels: want 3×3") {
		t.Errorf("error %v", err)
	}
	empty, err := store.Create(filepath.Join(t.TempDir(), "empty"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Generation(empty, 2, 2); err == nil {
		t.Error("a run without images is drawn")
	}
}
