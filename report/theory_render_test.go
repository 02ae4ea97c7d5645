package report

import (
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/settle-pc/settle/plot"
	"github.com/settle-pc/settle/store"
)

// No more figures are drawn at a time than there are, whatever the number of workers.
func TestFiguresTakeNoMoreGoroutinesThanThereAre(t *testing.T) {
	run, err := store.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	before, during := runtime.NumGoroutine(), 0
	_, err = renderAll(run, []*figure{{name: "one", draw: func() (*plot.Figure, error) {
		during = runtime.NumGoroutine()
		return nil, errors.New("not drawn")
	}}}, 5000)
	if err == nil || err.Error() != "figure one: not drawn" || during > before+10 {
		t.Errorf("%d goroutines, %d before; error %v", during, before, err)
	}
}
