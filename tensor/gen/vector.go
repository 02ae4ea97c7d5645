package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lane is one register's worth of the elements of a loop: all of it, or at the end of the slices its first elements.
type lane struct {
	kind
	i    reg.GPVirtual // index of the first element
	skip int           // registers after i
	mask *mask
}

// load returns the elements at p; where there are none, 0.
func (l lane) load(p reg.GPVirtual) reg.VecVirtual {
	v := l.vec()
	if l.mask != nil {
		l.mask.load(l.at(p), v)
	} else {
		l.kind.load(l.at(p), v)
	}
	return v
}

// store stores v in the elements at p.
func (l lane) store(v reg.VecVirtual, p reg.GPVirtual) {
	if l.mask != nil {
		l.mask.store(v, l.at(p))
	} else {
		l.kind.store(v, l.at(p))
	}
}

func (l lane) at(p reg.GPVirtual) Mem {
	return Mem{Base: p, Index: l.i, Scale: uint8(l.size()), Disp: l.skip * l.width()}
}

// each generates a kernel that is a loop.
func (k kind) each(n reg.GPVirtual, unroll int, body func(l lane)) {
	k.loop(n, unroll, body)
	VZEROUPPER()
	RET()
}

// loop generates a loop over n elements: unroll registers at a time, then one, then what is left.
func (k kind) loop(n reg.GPVirtual, unroll int, body func(l lane)) {
	i, next := GP64(), GP64()
	XORQ(i, i)
	for _, u := range []int{unroll, 1} {
		label := fmt.Sprintf("by%d", u)
		Label(label)
		LEAQ(Mem{Base: i, Disp: u * k.lanes()}, next)
		CMPQ(next, n)
		JGT(LabelRef(label + "end"))
		for skip := range u {
			body(lane{kind: k, i: i, skip: skip})
		}
		MOVQ(next, i)
		JMP(LabelRef(label))
		Label(label + "end")
		if unroll == 1 {
			break
		}
	}
	SUBQ(i, n)
	JZ(LabelRef("done"))
	m := k.first(n)
	body(lane{kind: k, i: i, mask: &m})
	Label("done")
}

// pointers loads the parameters of these names.
func pointers(names ...string) []reg.GPVirtual {
	var ps []reg.GPVirtual
	for _, name := range names {
		p := GP64()
		Load(Param(name), p)
		ps = append(ps, p)
	}
	return ps
}

// elementwise generates the operations that take one rounding or two, each as in Go: the bits are those of the portable twins.
func elementwise(k kind) {
	k.binary("add", "dst = x + y", func(x, y, d reg.VecVirtual) { pick(k, func() { VADDPS(y, x, d) }, func() { VADDPD(y, x, d) })() })
	k.binary("sub", "dst = x − y", func(x, y, d reg.VecVirtual) { k.sub(y, x, d) })
	k.binary("mul", "dst = x·y", func(x, y, d reg.VecVirtual) { k.mul(y, x, d) })
	t := k.pointer()

	TEXT(k.name("axpy"), NOSPLIT, "func(dst, x, a "+t+", n int)")
	Pragma("noescape")
	Doc(k.name("axpy") + " is dst += a·x, product and sum rounded.")
	p := pointers("dst", "x", "a", "n")
	a := k.vec()
	k.broadcast(Mem{Base: p[2]}, a)
	k.each(p[3], 2, func(l lane) {
		x, d := l.load(p[1]), l.load(p[0])
		k.mul(a, x, x)
		k.add(x, d, d)
		l.store(d, p[0])
	})

	TEXT(k.name("scale"), NOSPLIT, "func(dst, a "+t+", n int)")
	Pragma("noescape")
	Doc(k.name("scale") + " is dst = a·dst.")
	p = pointers("dst", "a", "n")
	a = k.vec()
	k.broadcast(Mem{Base: p[1]}, a)
	k.each(p[2], 2, func(l lane) {
		d := l.load(p[0])
		k.mul(a, d, d)
		l.store(d, p[0])
	})
}

// binary generates dst = x op y, for rows of n elements.
func (k kind) binary(name, doc string, op func(x, y, d reg.VecVirtual)) {
	TEXT(k.name(name), NOSPLIT, "func(dst, x, y "+k.pointer()+", n, rows, dstRow, xRow, yRow int)")
	Pragma("noescape")
	Doc(k.name(name)+" is "+doc+" for rows of n elements, of which there are some.", "Strides are in bytes.")
	p := pointers("dst", "x", "y", "rows", "dstRow", "xRow", "yRow")
	n := GP64()
	Label("row")
	Load(Param("n"), n)
	k.loop(n, 2, func(l lane) {
		x, y := l.load(p[1]), l.load(p[2])
		op(x, y, x)
		l.store(x, p[0])
	})
	for i := range 3 {
		ADDQ(p[4+i], p[i])
	}
	DECQ(p[3])
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func (k kind) add(a, b, c Op) {
	pick(k, func() { VADDPS(a, b, c) }, func() { VADDPD(a, b, c) })()
}

// sub is c = b − a.
func (k kind) sub(a, b, c Op) {
	pick(k, func() { VSUBPS(a, b, c) }, func() { VSUBPD(a, b, c) })()
}

func (k kind) mul(a, b, c Op) {
	pick(k, func() { VMULPS(a, b, c) }, func() { VMULPD(a, b, c) })()
}

// div is c = b/a.
func (k kind) div(a, b, c Op) {
	pick(k, func() { VDIVPS(a, b, c) }, func() { VDIVPD(a, b, c) })()
}

func (k kind) sqrt(a, c Op) {
	pick(k, func() { VSQRTPS(a, c) }, func() { VSQRTPD(a, c) })()
}

// steps generates the steps of the optimisers, in the order of operations and roundings of their portable twins.
func steps(k kind) {
	t := k.pointer()
	coefficients := func(p reg.GPVirtual, n int) []reg.VecVirtual {
		var c []reg.VecVirtual
		for i := range n {
			v := k.vec()
			k.broadcast(Mem{Base: p, Disp: i * k.size()}, v)
			c = append(c, v)
		}
		return c
	}
	// decayed returns g + λθ.
	decayed := func(decay, theta, g reg.VecVirtual) {
		d := k.vec()
		k.mul(decay, theta, d)
		k.add(d, g, g)
	}

	TEXT(k.name("descend"), NOSPLIT, "func(theta, grad, c "+t+", n int)")
	Pragma("noescape")
	Doc(k.name("descend") + " is a step of gradient descent; c holds lr, λ.")
	p := pointers("theta", "grad", "c", "n")
	c := coefficients(p[2], 2)
	k.each(p[3], 2, func(l lane) {
		theta, g := l.load(p[0]), l.load(p[1])
		decayed(c[1], theta, g)
		k.mul(c[0], g, g)
		k.sub(g, theta, theta)
		l.store(theta, p[0])
	})

	for _, name := range []string{"momentum", "nesterov"} {
		TEXT(k.name(name), NOSPLIT, "func(theta, grad, v, c "+t+", n int)")
		Pragma("noescape")
		Doc(k.name(name) + " is a step with momentum; c holds lr, λ, μ.")
		p := pointers("theta", "grad", "v", "c", "n")
		c := coefficients(p[3], 3)
		k.each(p[4], 2, func(l lane) {
			theta, g, v := l.load(p[0]), l.load(p[1]), l.load(p[2])
			decayed(c[1], theta, g)
			k.mul(c[2], v, v)
			k.add(g, v, v)
			l.store(v, p[2])
			if name == "nesterov" {
				k.mul(c[2], v, v)
				k.add(v, g, v)
			}
			k.mul(c[0], v, v)
			k.sub(v, theta, theta)
			l.store(theta, p[0])
		})
	}
	adam(k, coefficients, decayed)
}

// adam generates the step of Adam.
func adam(k kind, coefficients func(reg.GPVirtual, int) []reg.VecVirtual, decayed func(decay, theta, g reg.VecVirtual)) {
	TEXT(k.name("adam"), NOSPLIT, "func(theta, grad, m, v, c "+k.pointer()+", n int)")
	Pragma("noescape")
	Doc(k.name("adam") + " is a step of Adam; c holds the fields of Adam in their order.")
	p := pointers("theta", "grad", "m", "v", "c", "n")
	c := coefficients(p[4], 9)
	k.each(p[5], 1, func(l lane) {
		theta, g := l.load(p[0]), l.load(p[1])
		decayed(c[0], theta, g)
		m, v := l.load(p[2]), l.load(p[3])
		k.mul(c[1], m, m)
		k.mul(c[3], v, v)
		x := k.vec()
		k.mul(c[2], g, x)
		k.add(x, m, m)
		l.store(m, p[2])
		k.mul(g, g, g)
		k.mul(c[4], g, g)
		k.add(g, v, v)
		l.store(v, p[3])
		k.mul(c[6], v, v)
		k.sqrt(v, v)
		k.add(c[7], v, v)
		k.mul(c[5], m, m)
		k.div(v, m, m)
		k.mul(c[8], theta, x)
		k.add(m, x, x)
		k.sub(x, theta, theta)
		l.store(theta, p[0])
	})
}
