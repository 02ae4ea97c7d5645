package nn

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseArch reads a description of dimensions and nodes into an Arch without activation. It is what ParseDims reads, or
// INPUT-NODE-…-NODE, where INPUT is a number of units, or channels x height x width as in 3x32x32, and NODE is STEP[:STEP…][xTIMES].
// A STEP is
//
//	N                fully connected, N units
//	convNkK[sS][pP]  convolution: N channels, kernel K×K, stride S (1), padding P (0)
//	maxpoolK[sS]     the largest, avgpoolK[sS] the mean, of windows of K×K pixels, S (K) apart
//	norm             layer normalisation of each pixel's channels, or of a plain row
//	dropR            dropout of a share R of the units
//	attn[H]          attention between the pixels, with a head of width H (that of a pixel)
//
// as in 1x28x28-conv32k3p1:maxpool2-conv64k3p1:maxpool2-128-10, with four layers and so three free ones.
func ParseArch(s string) (Arch, error) {
	first, rest, _ := strings.Cut(s, "-")
	var a Arch
	if strings.Count(first, "x") == 2 {
		var err error
		if a.Input, err = parseImage(first); err != nil {
			return Arch{}, fmt.Errorf("arch %q: %w", s, err)
		}
		a.Dims = []int{a.Input.Len()}
	} else if !strings.ContainsAny(s, "abcdefghijklmnopqrstuvwyz:") {
		dims, err := ParseDims(s)
		return Arch{Dims: dims}, err
	} else {
		n, err := strconv.Atoi(first)
		if err != nil || n < 1 || n > maxParams {
			return Arch{}, fmt.Errorf("arch %q: input %q: want a number of units, or CHANNELSxHEIGHTxWIDTH", s, first)
		}
		a.Dims = []int{n}
	}
	shape := a.shape()
	for _, part := range strings.Split(rest, "-") {
		node, k, err := parseNode(part)
		if err != nil {
			return Arch{}, fmt.Errorf("arch %q: %w", s, err)
		}
		if len(a.Dims)+k > maxLayers {
			return Arch{}, fmt.Errorf("arch: more than %d layers", maxLayers)
		}
		for range k {
			if shape, err = node.shape(shape); err != nil {
				return Arch{}, fmt.Errorf("arch %q: %w", s, err)
			}
			a.Nodes, a.Dims = append(a.Nodes, node), append(a.Dims, shape.Len())
		}
	}
	if err := a.Validate(); err != nil {
		return Arch{}, err
	}
	return a, nil
}

// parseImage reads channels, height and width.
func parseImage(s string) (m Image, err error) {
	parts := strings.Split(s, "x")
	for i, to := range []*int{&m.C, &m.H, &m.W} {
		if *to, err = strconv.Atoi(parts[i]); err != nil || *to < 1 || *to > maxParams {
			m = Image{}
		}
	}
	if !m.valid() {
		return Image{}, fmt.Errorf("input %q: want CHANNELSxHEIGHTxWIDTH, numbers from 1, at most %d elements", s, maxParams)
	}
	return m, nil
}

// parseNode reads a node and how many times it stands there.
func parseNode(s string) (Node, int, error) {
	text, k := s, 1
	if i := strings.LastIndexByte(s, 'x'); i >= 0 && !strings.ContainsAny(s[i:], "abcdefghijklmnopqrstuvwyz") {
		var err error
		if k, err = strconv.Atoi(s[i+1:]); err != nil || k < 1 || k > maxLayers {
			return nil, 0, fmt.Errorf("repeat %q: want NODExTIMES with TIMES from 1 to %d", s, maxLayers)
		}
		text = s[:i]
	}
	var node Node
	for _, part := range strings.Split(text, ":") {
		step, ok := parseStep(part)
		if !ok {
			return nil, 0, fmt.Errorf("%q in node %q: want %s", part, s, stepWant)
		}
		node = append(node, step)
	}
	return node, k, nil
}

// parseStep reads a step.
func parseStep(s string) (Step, bool) {
	name := s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz"))]
	rest := s[len(name):]
	switch name {
	case "":
		v, ok := numbers(rest, "")
		return Step{Kind: Full, N: v[0]}, ok && v[0] > 0
	case "conv":
		v, ok := numbers(rest, "ksp")
		return Step{Kind: Conv, N: v[0], Kernel: Kernel{Size: v[1], Stride: or(v[2], 1), Pad: or(v[3], 0)}}, ok && v[1] >= 0
	case "maxpool", "avgpool":
		v, ok := numbers(rest, "s")
		kind := Max
		if name == "avgpool" {
			kind = Avg
		}
		return Step{Kind: kind, Kernel: Kernel{Size: v[0], Stride: or(v[1], v[0])}}, ok
	case "norm":
		return Step{Kind: Norm}, rest == ""
	case "drop":
		rate, err := strconv.ParseFloat(rest, 64)
		return Step{Kind: Drop, Rate: rate}, err == nil
	case "attn":
		if rest == "" {
			return Step{Kind: Attn}, true
		}
		v, ok := numbers(rest, "")
		return Step{Kind: Attn, N: v[0]}, ok && v[0] > 0
	}
	return Step{}, false
}

// or is v, or absent if that is negative.
func or(v, absent int) int {
	if v < 0 {
		return absent
	}
	return v
}

// maxNumber bounds the numbers of a step.
const maxNumber = 1 << 24

// numbers reads a number and then, for each of the keys in order, perhaps the key and a number, −1 where there is none.
func numbers(s, keys string) (v [4]int, ok bool) {
	read := func() int {
		end := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.Atoi(s[:end])
		if err != nil || n > maxNumber {
			return -1
		}
		s = s[end:]
		return n
	}
	if v[0] = read(); v[0] < 0 {
		return v, false
	}
	for i, key := range keys {
		v[i+1] = -1
		if after, found := strings.CutPrefix(s, string(key)); found {
			s = after
			if v[i+1] = read(); v[i+1] < 0 {
				return v, false
			}
		}
	}
	return v, s == ""
}
