//go:build js && wasm

// Command toywasm is package toy for a browser: one function on the global object,
//
//	settleToy(job, arguments, result)
//
// with arguments and result as bytes of float64, little-endian, so that a call costs two copies and nothing else. It
// returns how many numbers it has for the result; where that lacks room for them it stores none.
package main

import (
	"math"
	"syscall/js"
	"unsafe"

	"github.com/settle-pc/settle/toy"
)

// The jobs. Every list of arguments starts with x, y.
const (
	landscape = iota // surface, t, dt, n, w1 from, to, w2 from, to → n×n values, w₁ running faster
	field            // field, t, dt, n, w1 from, to, w2 from, to → n×n gradients at the middles of n×n cells
	path             // rule, w1, w2, lr, steps, threshold → summary, then w1, w2, loss, distance to the saddle of every point
	problem          // w2 from, to → eigenvalues at the origin of 𝓛 and F* (escape, trap), 𝓛 there, largest stable dt
	point            // t, dt, w1, w2 → 𝓛, F_t, F*, z_t, z*
)

// The surfaces, and their gradient fields; of the energy after t steps there are two.
const (
	loss = iota
	energyAt
	equilibrium
	totalAt
)

// v holds the result of a call, in and out's memory being the browser's.
var v []float64

func main() {
	js.Global().Set("settleToy", js.FuncOf(func(_ js.Value, args []js.Value) any { return call(args[0].Int(), args[1], args[2]) }))
	select {}
}

// call does a job.
func call(job int, in, out js.Value) int {
	a := make([]float64, in.Get("byteLength").Int()/8)
	js.CopyBytesToGo(bytesOf(a), in)
	p := toy.Problem{X: a[0], Y: a[1]}
	v = v[:0]
	switch job {
	case landscape:
		surface(p, a[2:])
	case field:
		gradients(p, a[2:])
	case path:
		descend(p, a[2:])
	case problem:
		describe(p, a[2:])
	case point:
		t, dt, w := int(a[2]), a[3], toy.Vec{a[4], a[5]}
		v = append(v, p.Loss(w), p.FAt(w, t, dt), p.FStar(w), p.ZAt(w, t, dt), p.ZStar(w))
	}
	if b := bytesOf(v); len(b) <= out.Get("byteLength").Int() {
		js.CopyBytesToJS(out, b)
	}
	return len(v)
}

// bytesOf is the memory of f: WebAssembly's order of bytes is the browser's.
func bytesOf(f []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 8*len(f))
}

// surface appends the values of a landscape.
func surface(p toy.Problem, a []float64) {
	t, dt, n := int(a[1]), a[2], int(a[3])
	f := p.Loss
	if int(a[0]) != loss {
		f = p.FStar
	}
	for j := range n {
		w2, excess := a[6]+(a[7]-a[6])*float64(j)/float64(n-1), 1.0
		if int(a[0]) == energyAt {
			excess = toy.Excess(w2, t, dt) // its power once a row
		}
		for i := range n {
			v = append(v, f(toy.Vec{a[4] + (a[5]-a[4])*float64(i)/float64(n-1), w2})*excess)
		}
	}
}

// gradients appends a gradient field.
func gradients(p toy.Problem, a []float64) {
	t, dt, n := int(a[1]), a[2], int(a[3])
	f := p.LossGrad
	switch int(a[0]) {
	case energyAt:
		f = func(w toy.Vec) toy.Vec { return p.LocalGradAt(w, t, dt) }
	case equilibrium:
		f = p.FStarGrad
	case totalAt:
		f = func(w toy.Vec) toy.Vec { return p.TotalGradAt(w, t, dt) }
	}
	for j := range n {
		w2 := a[6] + (a[7]-a[6])*(float64(j)+0.5)/float64(n)
		for i := range n {
			g := f(toy.Vec{a[4] + (a[5]-a[4])*(float64(i)+0.5)/float64(n), w2})
			v = append(v, g[0], g[1])
		}
	}
}

// descend appends status, steps, path length, straight line, closest distance to the saddle and its step, then the points.
func descend(p toy.Problem, a []float64) {
	run := p.Run(p.Grad(toy.Rule(a[0])), toy.Vec{a[1], a[2]}, toy.Descent{LR: a[3], Steps: int(a[4]), Loss: a[5]})
	closest, at := run.Closest()
	v = append(v, float64(run.Status), float64(run.Steps()), run.Length(), run.Straight(), closest, float64(at))
	for _, w := range run.W {
		v = append(v, w[0], w[1], p.Loss(w), w.Norm())
	}
}

// describe appends what the page says of a problem.
func describe(p toy.Problem, a []float64) {
	l, f := p.LossSaddle(), p.FStarSaddle()
	v = append(v, l.Escape, l.Trap, f.Escape, f.Trap, p.Loss(toy.Vec{}), toy.MaxDT(max(math.Abs(a[0]), math.Abs(a[1]))))
}
