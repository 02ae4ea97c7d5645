package nn_test

import (
	"fmt"

	"github.com/settle-pc/settle/nn"
)

// A convolutional network with four layers: predictive coding has an error at the end of each.
func ExampleParseArch() {
	arch, err := nn.ParseArch("1x28x28-conv16k3p1:maxpool2-norm:conv32k3p1:maxpool2-drop0.5:64-10")
	if err != nil {
		panic(err)
	}
	arch.Act, arch.Bias = nn.ReLU, true
	net, err := nn.Build[float32](arch)
	if err != nil {
		panic(err)
	}
	for l, layer := range net.Layers {
		in, out := layer.Dims()
		fmt.Println(l+1, in, "to", out, "units")
	}
	fmt.Println(len(net.Theta()), "parameters")
	// Output:
	// 1 784 to 3136 units
	// 2 3136 to 1568 units
	// 3 1568 to 64 units
	// 4 64 to 10 units
	// 105898 parameters
}

// Two nodes that predict each other, one of which also predicts itself.
func ExampleBuildGraph() {
	g, err := nn.BuildGraph[float64](nn.Wiring{
		Nodes: []nn.Vertex{{Name: "seen", N: 3}, {Name: "cause", N: 2, Act: nn.Tanh, Bias: true}},
		Edges: []nn.Edge{{From: "seen", To: "cause"}, {From: "cause", To: "seen"}, {From: "cause", To: "cause"}},
	})
	if err != nil {
		panic(err)
	}
	nn.Initialize(g, nn.Init{Kind: nn.Xavier}, 1)
	for l := 1; l <= g.L(); l++ {
		from, to := g.Ends(l)
		fmt.Printf("%s→%s: %d parameters\n", g.Vertex(from).Name, g.Vertex(to).Name, len(g.Of(l, g.Theta())))
	}
	_, err = nn.BuildGraph[float64](nn.Wiring{Nodes: []nn.Vertex{{Name: "seen", N: 3}}, Edges: []nn.Edge{{From: "seen", To: "sen"}}})
	fmt.Println(err)
	// Output:
	// cause→seen: 6 parameters
	// seen→cause: 6 parameters
	// cause→cause: 6 parameters
	// graph: edge seen→sen: node "sen": want one of seen
}
