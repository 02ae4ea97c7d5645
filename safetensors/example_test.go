package safetensors_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/settle-pc/settle/safetensors"
)

func Example() {
	f := &safetensors.File{
		Metadata: map[string]string{"act": "tanh"},
		Tensors:  []safetensors.Tensor{safetensors.FromFloats("1.W", []int{1, 2}, []float32{0.5, -1})},
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		log.Fatal(err)
	}
	g, err := safetensors.Read(&b)
	if err != nil {
		log.Fatal(err)
	}
	w, _ := g.Tensor("1.W")
	values, err := safetensors.Floats[float32](w)
	fmt.Println(g.Metadata["act"], w.DType, w.Shape, values, err)
	// Output: tanh F32 [1 2] [0.5 -1] <nil>
}
