// Package settle is the front door of settle, predictive coding in Go.
//
// Predictive coding (PC) trains a network in two phases. Inference lets the activities z settle to a minimum of an
// energy, with input and target clamped,
//
//	F = Σ_b Σ_l (π_l/2) ‖z_l − g_l(z_{l−1})‖²      (post, Eq. 3, with the half)
//	ż ∝ −∂F/∂z                                      (Eq. 4)
//
// and learning takes a gradient step on the weights there, with z held fixed,
//
//	Δθ ∝ −(1/B) ∂F/∂θ                               (Eq. 5)
//
// which makes it a step on F*(θ) = min_z F: the loss seen through an inference that follows a trust-region path. The post
// is F. Innocenti's "Predictive Coding as a 2nd-Order Method" (2023), on arXiv 2305.18188.
//
// The packages follow those equations, and calls go one way, from top to bottom:
//
//	cmd/settle    the command
//	experiment    one file per question; a Spec is plain data, Run a pure function of it
//	train         the epoch loop, evaluation, checkpoints
//	learn         how a batch changes θ: BP, PC
//	infer         how z settles: Solve, and one method per file
//	energy        F, its gradients and its curvature, in activities and in errors
//	nn            layers g_l, activations, initial weights
//	tensor        matrices and the kernels that run on them
//
// beside them optim (how a gradient becomes a step), data (sets and batches), model and safetensors (networks in
// files), measure (this build against reference vectors), store (run directories), plot and report (figures), toy and
// theory (closed forms, which share no code with what they check), web (the explorer).
//
// Inference can be slow, and a library that stops it after T steps does not say what it reached. Here every sample ends
// with a Status, its residual and an estimate of the energy it is away from the minimum; the default method needs no
// tuning and takes a few passes.
package settle
