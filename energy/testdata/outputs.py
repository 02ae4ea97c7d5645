"""Reference values of the output terms, for outputs_test.go. NumPy alone; it shares nothing with the Go code.

    python3 outputs.py > outputs.json

F by the textbook formulas (probabilities first, then logarithms, in extended precision), r = -dF/dyhat and the curvature times a
vector by the complex-step derivative of F and of r, which has no cancellation.
"""
import json

import numpy as np

rng = np.random.default_rng(20)


def softmax(a):
    e = np.exp(a)
    return e / e.sum()


def cross_entropy(y, a):
    return -(y * np.log(softmax(a))).sum()


def bernoulli(y, a):
    p = 1 / (1 + np.exp(-a))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()


def squared(y, a):
    return ((y - a) ** 2).sum() / 2


def derivative(f, a):
    """df/da of an analytic f by complex steps of 1e-30."""
    out = []
    for k in range(len(a)):
        z = a.astype(complex)
        z[k] += 1e-30j
        out.append(np.imag(f(z)) / 1e-30)
    return np.array(out)


def curvature(name, a):
    """The Hessian of F in yhat, which does not depend on y, from the complex steps of the mean."""
    mean = {"squared": lambda z: z, "cross-entropy": softmax, "bernoulli": lambda z: 1 / (1 + np.exp(-z))}[name]
    h = np.zeros((len(a), len(a)))
    for k in range(len(a)):
        z = a.astype(complex)
        z[k] += 1e-30j
        h[:, k] = np.imag(mean(z)) / 1e-30
    return h


def target(name, n):
    if name == "cross-entropy":
        y = rng.dirichlet(np.ones(n))
        return np.eye(n)[rng.integers(n)] if rng.random() < 0.5 else y
    if name == "bernoulli":
        return rng.random(n)
    return rng.standard_normal(n)


cases = []
for name, f in [("squared", squared), ("cross-entropy", cross_entropy), ("bernoulli", bernoulli)]:
    for n in (1, 3, 10):
        for scale in (0.1, 1.0, 6.0):
            y, a, v = target(name, n), scale * rng.standard_normal(n), rng.standard_normal(n)
            pi = float(rng.uniform(0.2, 3))
            mean = {"squared": a, "cross-entropy": softmax(a), "bernoulli": 1 / (1 + np.exp(-a))}[name]
            cases.append(dict(
                name=name, precision=pi, y=y.tolist(), yhat=a.tolist(), v=v.tolist(), f=pi * float(f(y, a)),
                r=(-pi * derivative(lambda z: f(y, z), a)).tolist(), hv=(pi * curvature(name, a) @ v).tolist(), mean=mean.tolist()))
print(json.dumps(dict(numpy=np.__version__, cases=cases), indent=1))
