package experiment

import "math"

// Verdict is what the numbers say of a claim.
type Verdict string

// The verdicts. Undecided: too few seeds, too short a run, or nothing here that could judge.
const (
	Holds       Verdict = "holds"
	Conditional Verdict = "conditional"
	Fails       Verdict = "fails"
	Undecided   Verdict = "undecided"
)

// Claim is a statement of the post and the verdict on it, by the rule of its row in docs/design/experiments.md. Numbers
// holds what the verdict rests on, null where it does not apply; Text says in a sentence or two how it came about.
type Claim struct {
	ID        string         `json:"id"`
	Statement string         `json:"statement"`
	Verdict   Verdict        `json:"verdict"`
	Numbers   map[string]any `json:"numbers"`
	Text      string         `json:"text"`
}

// statements are the claims of the post, in its order.
var statements = map[string]string{
	"C1":  "At t = 0 energy and loss are equal, their weight gradients are not",
	"C2":  "The toy's loss has a saddle at the origin; (S)GD is attracted to it and slows down",
	"C3":  "Inference flattens the landscape",
	"C4":  "In the toy PC evades the saddle and always escapes it faster than BP (flatter trap, more negatively curved escape)",
	"C5":  "Energy = loss + gradient term + ½ Fisher term + O(Δx³) around the feedforward values",
	"C6":  "Inference's solution is ≈ −𝓘⁻¹g",
	"C7":  "PC's weight gradient ≈ TR direction + BP direction",
	"C8":  "On 10-layer networks on MNIST PC converges in fewer steps than BP, each at its best learning rate: linear, tanh, ReLU",
	"C9":  "PC inference costs extra compute that scales badly with network size",
	"C10": "The speed-up is not always observed across datasets, tasks and architectures",
	"C11": "PC takes a more direct path to the closest manifold of solutions",
	"C12": "The gradient field of F* is better aligned with the solutions",
	"C13": "PC inference is natural gradient / a trust-region step on the loss in activity space",
}

// newClaim returns the claim with this id, undecided and without numbers.
func newClaim(id string) Claim {
	s, ok := statements[id]
	if !ok {
		panic("experiment: unknown claim")
	}
	return Claim{ID: id, Statement: s, Verdict: Undecided, Numbers: map[string]any{}}
}

// finite returns v for a Claim's Numbers: nil where it is not finite, which JSON cannot hold.
func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}
