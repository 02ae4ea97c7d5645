package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/measure"
)

func (a *app) benchKernels() *cobra.Command {
	budget := 100 * time.Millisecond
	cmd := &cobra.Command{
		Use:   "kernels",
		Short: "Speed of the kernels against the machine's peak",
		Long: `Measures the three products of a layer, and of a convolution (3×3, 64 channels to 64, 16×16 pixels), against the peak of multiply-adds in registers, found in the same process, and the time
and largest error of the vector functions, on one core and at the level in force. Speeds are those of the fastest sample. The
environment variable SETTLE_CPU (generic, avx2, avx512, neon) forces a lower level.`,
		Example: `  settle bench kernels
  SETTLE_CPU=avx2 settle bench kernels --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.kernels(budget) },
	}
	cmd.Flags().DurationVar(&budget, "budget", budget, "`time` spent on each figure")
	return cmd
}

func (a *app) kernels(budget time.Duration) error {
	if budget < 0 || budget > time.Minute {
		return fmt.Errorf("--budget %v: want 0s to 1m", budget)
	}
	run, err := a.outRun("bench")
	if err != nil {
		return err
	}
	q := measure.Kernels{Budget: budget, Seed: a.seed, Now: time.Now}
	bar, figures := a.progress("bench kernels", float64(q.Figures())), 0
	r, err := q.Run(a.ctx, func() {
		figures++
		bar.set(float64(figures), "")
	})
	bar.end()
	if err != nil {
		return failure{err}
	}
	if err := a.kernelTables(r); err != nil {
		return failure{err}
	}
	return a.deliver(run, "bench.json", r)
}

func (a *app) kernelTables(r measure.KernelReport) error {
	fmt.Fprintf(a.text(), "level %s: peak %.0f GFLOP/s in float32, %.0f in float64; memory %.1f GB/s\n\n", r.Level, r.Peak, r.Peak64, r.Bandwidth)
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "product\tm×k×n\ttype\tGFLOP/s\tof peak\t")
	names := map[string]string{"mul": "Z Wᵀ", "pull": "E W", "grad": "Eᵀ Z"}
	for _, g := range r.GEMM {
		fmt.Fprintf(w, "%s\t%d×%d×%d\t%s\t%.1f\t%.0f %%\t\n", names[g.Op], g.M, g.K, g.N, g.DType, g.GFLOPS, 100*g.OfPeak)
	}
	for _, c := range r.Conv {
		name := map[string]string{"forward": "convolution", "pull": "its pull", "grad": "its gradient"}[c.Op]
		fmt.Fprintf(w, "%s\t%d ch, %d×%d\t%s\t%.1f\t%.0f %%\t\n", name, c.Channels, c.Size, c.Size, c.DType, c.GFLOPS, 100*c.OfPeak)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.text())
	fmt.Fprintln(w, "function\tns per element\tlargest error\t")
	for _, f := range r.Vector {
		ulp := "–"
		if f.ULP != nil {
			ulp = fmt.Sprintf("%.2f ulp", *f.ULP)
		}
		fmt.Fprintf(w, "%s\t%.3f\t%s\t\n", f.Name, f.NS, ulp)
	}
	return w.Flush()
}
