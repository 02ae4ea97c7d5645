package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/measure"
)

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Check this build against reference vectors",
		Long: `Compares feedforward activities, loss, BP gradients, energy, its gradients in activities and weights, and the
inference equilibrium of every network in FILE (format pc-reference/1, docs/reference.md) with what this build computes, in float64
and float32, under both activation placements. Exit code 1 if one is out of tolerance: relative errors of 1e-10
for values and gradients and 1e-8 for equilibria in float64, 1e-4 in float32.`,
		Example: "  settle verify measure/testdata/reference.json\n  settle verify mine.json --json",
		Args:    operands(1, 1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.verify(args[0]) },
	}
}

func (a *app) verify(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	ref, err := measure.ReadReference(f)
	if err != nil {
		return fmt.Errorf("verify %s: %w", path, err)
	}
	run, err := a.outRun("verify")
	if err != nil {
		return err
	}
	v := measure.Verify(ref, path)
	w := tabwriter.NewWriter(a.text(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tactivation\ttype\tvalues\tgradients\tequilibrium\t")
	for _, n := range v.Networks {
		e, word := n.Error, "ok"
		if !n.OK {
			word = "OUT OF TOLERANCE"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1e\t%.1e\t%.1e\t%s\n", n.Name, n.Place, n.DType, max(e.Feedforward, e.Loss, e.F),
			max(e.BP, e.DZ, e.DTheta), max(e.EquilibriumZ, e.EquilibriumF, e.EquilibriumDTheta), word)
	}
	if err := w.Flush(); err != nil {
		return failure{err}
	}
	if err := a.deliver(run, "verify.json", v); err != nil {
		return err
	}
	if !v.OK {
		return failure{fmt.Errorf("verify %s: this build departs from it", path)}
	}
	return nil
}
