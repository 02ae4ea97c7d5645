package store_test

import (
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/settle-pc/settle/store"
)

func Example() {
	base, err := os.MkdirTemp("", "settle-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(base)

	run, err := store.CreateDefault(base, "train", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	for batch, loss := range []float64{0.9, 0.5, math.NaN()} {
		if err := run.Row("curve", []string{"batch", "loss"}, []any{batch, loss}); err != nil {
			log.Fatal(err)
		}
	}
	table, err := run.Table("curve")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(run.Dir()))
	table.WriteCSV(os.Stdout)
	// Output:
	// 20260102-030405-train
	// batch,loss
	// 0,0.9
	// 1,0.5
	// 2,
}
