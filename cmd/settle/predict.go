package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/settle-pc/settle/data"
	"github.com/settle-pc/settle/energy"
	"github.com/settle-pc/settle/model"
	"github.com/settle-pc/settle/nn"
	"github.com/settle-pc/settle/tensor"
	"github.com/settle-pc/settle/train"
)

func (a *app) predictCommand() *cobra.Command {
	path, invert := "", false
	cmd := &cobra.Command{
		Use:   "predict --model FILE INPUT…",
		Short: "Labels or outputs for images or arrays from a trained model",
		Long: `Predicts the label of every image in the inputs: pictures (PNG, JPEG, GIF), IDX files of images (gzipped or not),
and .npy arrays, whose last axis, or last two (last three with several channels), is an image: unsigned bytes, or floats
from 0 to 1. Pictures are grey, or RGB for a model that was trained on images in colour. Digits are white on black;
--invert takes black on white. Probabilities are the point of the probability simplex nearest to the network's output,
which estimates them under the squared error it was trained on; with another loss they are the softmax of the output.
A model that was trained by --target pixels says how well it reconstructs each image, and with --json what it makes of every pixel,
in intensities from 0 to 1; one trained by --target moments gives the share of ink, the standard deviations of its column and row
in pixels (width, height) and its slant.`,
		Example: `  settle predict --model runs/…/model.safetensors digit.png
  settle predict --model runs/…/model.safetensors t10k-images-idx3-ubyte.gz --json`,
		Args: operands(1, math.MaxInt),
		RunE: func(_ *cobra.Command, args []string) error { return a.predict(path, args, invert) },
	}
	cmd.Flags().StringVar(&path, "model", "", "model `file`, as settle train writes it")
	cmd.Flags().BoolVar(&invert, "invert", false, "the images are black on white")
	return cmd
}

// prediction is what predict says of one image.
type prediction struct {
	Input         string    `json:"input"`
	Label         *int      `json:"label"` // nil, as the probabilities, of models that were not trained on labels
	Probabilities []float64 `json:"probabilities"`
	Outputs       []float64 `json:"outputs,omitempty"` // of these: intensities, or moments in their own units
	MSE           *float64  `json:"mse,omitempty"`     // of the reconstruction, in intensities
}

func (a *app) predict(path string, inputs []string, invert bool) error {
	if path == "" {
		return errors.New("--model: want the model file of a training, such as runs/…/model.safetensors")
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--model: %w", err)
	}
	defer f.Close()
	m, err := model.Load(f)
	if err != nil {
		return fmt.Errorf("--model %s: %w", path, err)
	}
	if m.Generates {
		return fmt.Errorf("--model %s: it generates images: want settle generate", path)
	}
	net, err := model.Network[float64](m)
	if err != nil {
		return fmt.Errorf("--model %s: %w", path, err)
	}
	var images []picture
	for _, name := range inputs {
		pixels, err := readImages("predict", name, m.Meta)
		if err != nil {
			return err
		}
		for i, p := range pixels {
			input := name
			if len(pixels) > 1 {
				input = fmt.Sprintf("%s[%d]", name, i)
			}
			images = append(images, picture{input, p})
		}
	}
	run, err := a.outRun("predict")
	if err != nil {
		return err
	}
	out := make([]prediction, 0, len(images))
	for chunk := range slices.Chunk(images, predictRows) {
		if a.ctx.Err() != nil {
			return interrupted("nothing is kept")
		}
		y := outputs(net, m.Meta, chunk, invert)
		for i, img := range chunk {
			row := y.Row(i)
			if !tensor.Finite(row) {
				return failure{fmt.Errorf("%s: the model's output is not finite: %v", img.input, row)}
			}
			p, text := predicted(img, row, m.Meta, invert)
			out = append(out, p)
			fmt.Fprintf(a.text(), "%s: %s\n", p.Input, text)
		}
	}
	return a.deliver(run, "predict.json", map[string]any{"predictions": out})
}

// predicted says what the output y of an image means, also in words.
func predicted(img picture, y []float64, m model.Meta, invert bool) (prediction, string) {
	p := prediction{Input: img.input}
	switch m.Target {
	case "pixels":
		sum := 0.0
		for k, v := range y {
			p.Outputs = append(p.Outputs, m.Intensity(k, v))
			was := img.pixels[k]
			if invert {
				was = 1 - was
			}
			sum += (p.Outputs[k] - was) * (p.Outputs[k] - was)
		}
		mse := sum / float64(len(y))
		p.MSE = &mse
		return p, fmt.Sprintf("reconstructed with an MSE of %.4f", mse)
	case "moments":
		var words []string
		for k, v := range y {
			p.Outputs = append(p.Outputs, v*m.Units[k].Std+m.Units[k].Mean)
			words = append(words, fmt.Sprintf("%s %.3f", data.MomentNames()[k], p.Outputs[k]))
		}
		return p, strings.Join(words, "  ")
	}
	label := train.Argmax(y)
	p.Label, p.Probabilities = &label, probabilities(y, m.Loss)
	return p, fmt.Sprintf("%d  (%.0f %%)", label, 100*p.Probabilities[label])
}

// picture is one image: where it comes from, and its intensities from 0 to 1.
type picture struct {
	input  string
	pixels []float64
}

// predictRows is the number of images predicted at a time.
const predictRows = 100

// outputs returns ŷ of each image.
func outputs(net *nn.Network[float64], m model.Meta, images []picture, invert bool) tensor.Matrix[float64] {
	t := nn.NewTrace(net, len(images))
	t.Z[0] = tensor.New[float64](len(images), net.Inputs())
	for i, img := range images {
		x := t.Z[0].Row(i)
		for j, v := range img.pixels {
			if invert {
				v = 1 - v
			}
			x[j] = m.Normal(j, v)
		}
	}
	t.Feedforward()
	return t.Z[net.L()]
}

// probabilities returns those of the classes from the output y of a network trained by the named loss. Independent odds exp y_k
// become softmax(y) too, given that one class is right.
func probabilities(y []float64, loss string) []float64 {
	if loss == "" {
		return simplex(y)
	}
	p := tensor.New[float64](1, len(y))
	energy.CrossEntropy[float64]{}.Mean(p, tensor.Of(1, len(y), y))
	return p.Data
}

// simplex returns the point with non-negative elements and sum 1 nearest to y: max(y − τ, 0), with τ such that the sum
// is 1 (Held, Wolfe and Crowder 1974).
func simplex(y []float64) []float64 {
	sorted := slices.Sorted(slices.Values(y))
	slices.Reverse(sorted)
	sum, tau := 0.0, 0.0
	for k, v := range sorted {
		sum += v
		if t := (sum - 1) / float64(k+1); v > t {
			tau = t
		}
	}
	p := make([]float64, len(y))
	for i, v := range y {
		p[i] = max(v-tau, 0)
	}
	return p
}
