package learn_test

import (
	"context"
	"testing"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/infer"
	"github.com/settle-pc/settle/learn"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/optim"
	"github.com/settle-pc/settle/tensor"
)

// BenchmarkStep is a training step of 64 samples with Adam, on one worker: of networks whose weights fit the second-level cache, and do
// not. PC infers to a residual ratio of 2.4e−3. Passes are those of the last step.
func BenchmarkStep(b *testing.B) {
	const rows = 64
	for _, name := range []string{"784-300-300-10", "784-300x9-10", "784-128x9-10"} {
		dims, err := nn.ParseDims(name)
		if err != nil {
			b.Fatal(err)
		}
		batch := data.Batch[float32]{X: tensor.New[float32](rows, dims[0]), Y: tensor.New[float32](rows, dims[len(dims)-1])}
		for i := range batch.X.Data {
			batch.X.Data[i] = float32(i*7919%1000) / 1000
		}
		for i := range rows {
			batch.Y.Row(i)[i%batch.Y.Cols] = 1
		}
		for _, rule := range []string{"bp", "pc"} {
			b.Run(name+"/"+rule, func(b *testing.B) {
				net, err := nn.Build[float32](nn.Arch{Dims: dims, Act: nn.Tanh})
				if err != nil {
					b.Fatal(err)
				}
				nn.Initialize(net, nn.Init{Kind: nn.FanIn}, 1)
				pool := learn.NewPool(1)
				defer pool.Close()
				var r learn.Rule[float32] = learn.NewBP(net, pool, rows)
				if rule == "pc" {
					inf := learn.Inference[float32]{Settings: infer.Settings{Tol: 2.4e-3}}
					r = learn.NewPC(&energy.PC[float32]{Net: net}, inf, pool, rows)
				}
				opt := optim.NewAdam[float32](len(net.Theta()), optim.Rate{LR: 1e-9}, 0)
				var s learn.Stats
				for b.Loop() {
					var err error
					if s, err = r.Step(context.Background(), batch, opt); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(s.Passes, "passes")
				b.ReportMetric(s.MACs, "macs")
			})
		}
	}
}
