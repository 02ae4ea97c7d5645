package toy

// Noisy returns the rule's gradient on one fresh example (x, y + σε) at every call, as SGD on noisy data sees it; normal
// draws ε from the standard normal distribution.
func (p Problem) Noisy(r Rule, sigma float64, normal func() float64) Field {
	return func(w Vec) Vec {
		return Problem{p.X, p.Y + sigma*normal()}.Grad(r)(w)
	}
}

// MeanLoss returns the mean of 𝓛 over targets y + σε: 𝓛 + ½σ². Noise in the target does not change its gradient.
func (p Problem) MeanLoss(w Vec, sigma float64) float64 { return p.Loss(w) + sigma*sigma/2 }

// MeanFStar returns the mean of F* over targets y + σε: F* + ½σ²/(1 + w₂²). Unlike for the loss the second term depends
// on w: once in the valley, SGD with PC drifts along it towards large |w₂|.
func (p Problem) MeanFStar(w Vec, sigma float64) float64 {
	return p.FStar(w) + sigma*sigma/(2*Fisher(w))
}

// MeanFStarGrad returns the gradient of MeanFStar, which is also the mean of the gradients.
func (p Problem) MeanFStarGrad(w Vec, sigma float64) Vec {
	s := Fisher(w)
	g := p.FStarGrad(w)
	g[1] -= sigma * sigma * w[1] / (s * s)
	return g
}
