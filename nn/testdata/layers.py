"""Independent float64 reference vectors for the layers of package nn and for predictive coding over them (NumPy only).

Usage: python3 layers.py > layers.json

Every layer is written here as its definition, in loops over pixels; nothing is derived by hand. Derivatives are complex steps,
Im f(x + ih)/h with h = 1e-30, exact to rounding (Squire and Trapp 1998); maxima are taken over real parts. Images are [H, W, C],
kernels [out, kernel, kernel, in]; a case says which layers it composes, and holds for random x, u, v and θ (a list of arrays
laid out one after the other): g(x), (∂g/∂x) v, (∂g/∂x)ᵀ u and (∂g/∂θ)ᵀ u, the last summed over the rows of the batch.

"network" is a chain of such layers l = 1 … L, described as settle describes it (tanh after the weights, biases), with precisions π
and clamped x, y: the energy F = Σ_l π_l/2 ‖z_l − g_l(z_{l−1})‖² at
given activities z, ∂F/∂z and ∂F/∂θ there; the loss ½‖y − ŷ‖² and its ∂/∂θ; the equilibrium z, reached from the feedforward
activities by gradient descent and then Newton's method to a gradient below 1e-13, F and ∂F/∂θ there. All summed over the batch.
"""
import json
import sys

import numpy as np

rng = np.random.default_rng(20261126)
H = 1e-30


def conv(o, k, s, p, bias=True):
    def shape(m):
        return (m[0] + 2 * p - k) // s + 1, (m[1] + 2 * p - k) // s + 1, o

    def params(m):
        return [(o, k, k, m[2])] + ([(o,)] if bias else [])

    def f(x, th):
        h, w, _ = shape(x.shape)
        g = np.zeros((h, w, o), complex)
        for y in range(h):
            for c in range(w):
                for i in range(k):
                    for j in range(k):
                        a, b = s * y + i - p, s * c + j - p
                        if 0 <= a < x.shape[0] and 0 <= b < x.shape[1]:
                            for out in range(o):
                                g[y, c, out] += np.sum(th[0][out, i, j] * x[a, b])
                if bias:
                    g[y, c] += th[1]
        return g
    return {"conv": [o, k, s, p], "bias": bias}, shape, params, f


def pool(kind, k, s):
    def shape(m):
        return (m[0] - k) // s + 1, (m[1] - k) // s + 1, m[2]

    def f(x, th):
        g = np.zeros(shape(x.shape), complex)
        for y in range(g.shape[0]):
            for c in range(g.shape[1]):
                for ch in range(g.shape[2]):
                    window = [x[s * y + i, s * c + j, ch] for i in range(k) for j in range(k)]
                    g[y, c, ch] = sum(window) / len(window) if kind == "avg" else max(window, key=lambda v: v.real)
        return g
    return {kind: [k, s]}, shape, lambda m: [], f


def act(name):
    phi = {"tanh": np.tanh, "relu": lambda v: np.where(v.real > 0, v, 0)}[name]
    return {"act": name}, lambda m: m, lambda m: [], lambda x, th: phi(x)


def norm():
    def f(x, th):
        g = np.zeros(x.shape, complex)
        for y in range(x.shape[0]):
            for c in range(x.shape[1]):
                t = x[y, c]
                mean = sum(t) / len(t)
                var = sum((t - mean) ** 2) / len(t)
                g[y, c] = th[0] * (t - mean) / np.sqrt(var + 1e-5) + th[1]
        return g
    return {"norm": True}, lambda m: m, lambda m: [(m[2],), (m[2],)], f


def attention(h):
    def params(m):
        return [(h, m[2])] * 3 + [(m[2], h)]

    def f(x, th):
        tokens = [x[y, c] for y in range(x.shape[0]) for c in range(x.shape[1])]
        g = []
        for t in tokens:
            q = th[0] @ t
            score = [np.exp(np.sum(q * (th[1] @ s)) / np.sqrt(h)) for s in tokens]
            head = sum(a / sum(score) * (th[2] @ s) for a, s in zip(score, tokens))
            g.append(th[3] @ head)
        return np.array(g).reshape(x.shape)
    return {"attn": h}, lambda m: m, params, f


def dense(n):
    def f(x, th):
        v = x.reshape(-1)
        return np.array([np.sum(th[0][o] * v) + th[1][o] for o in range(n)]).reshape(1, 1, n)
    return {"dense": n}, lambda m: (1, 1, n), lambda m: [(n, int(np.prod(m))), (n,)], f


def residual(layers):
    inner = seq(layers)
    return {"residual": inner[0]}, inner[1], inner[2], lambda x, th: x + inner[3](x, th)


def seq(layers):
    def shape(m):
        for l in layers:
            m = l[1](m)
        return m

    def params(m):
        out = []
        for l in layers:
            out += l[2](m)
            m = l[1](m)
        return out

    def f(x, th):
        at = 0
        for l in layers:
            n = len(l[2](x.shape))
            x, at = l[3](x, th[at:at + n]), at + n
        return x
    return [l[0] for l in layers], shape, params, f


def draw(*shape):
    return np.round(rng.normal(size=shape), 3)


def split(flat, shapes):
    out, at = [], 0
    for s in shapes:
        n = int(np.prod(s))
        out.append(flat[at:at + n].reshape(s))
        at += n
    return out


def gradient(f, v):
    """∂f/∂v of a real function written for complex arguments."""
    g = np.zeros(v.shape)
    for i in np.ndindex(v.shape):
        w = v.astype(complex)
        w[i] += 1j * H
        g[i] = f(w).imag / H
    return g


def numbers(v):
    return np.asarray(v).reshape(-1).tolist()


def rows(v):
    return [numbers(r) for r in v]


def case(name, m, layers, B=2):
    spec, shape, params, f = seq(layers)
    shapes = params(m)
    n, out = int(np.prod(m)), int(np.prod(shape(m)))
    theta = draw(sum(int(np.prod(s)) for s in shapes)) * 0.6
    x, v, u = draw(B, n), draw(B, n), draw(B, out)
    g = lambda row, th: f(row.reshape(m), split(th, shapes)).reshape(-1)
    return {"name": name, "image": [m[2], m[0], m[1]], "layers": spec, "x": rows(x), "u": rows(u), "v": rows(v), "theta": numbers(theta),
            "g": rows([g(r.astype(complex), theta).real for r in x]),
            "push": rows([g(r + 1j * H * d, theta).imag / H for r, d in zip(x, v)]),
            "pull": rows([gradient(lambda w: np.sum(d * g(w, theta)), r) for r, d in zip(x, u)]),
            "params": numbers(gradient(lambda th: sum(np.sum(d * g(r.astype(complex), th)) for r, d in zip(x, u)), theta))}


def network(arch, m, nodes, pi, B=1):
    nodes = [seq(n) for n in nodes]
    images, shapes = [m], []
    for n in nodes:
        shapes.append(n[2](images[-1]))
        images.append(n[1](images[-1]))
    sizes = [int(np.prod(i)) for i in images]
    lens = [sum(int(np.prod(s)) for s in group) for group in shapes]
    theta = draw(sum(lens)) * 0.5
    free = sum(sizes[1:-1])
    x, y, z = draw(B, sizes[0]), draw(B, sizes[-1]), draw(B, free)

    def g(l, v, th):
        part = th[sum(lens[:l]):sum(lens[:l + 1])]
        return nodes[l][3](v.reshape(images[l]), split(part, shapes[l])).reshape(-1)

    def energy(b, w, th):
        zs = [x[b].astype(complex)] + split(w, [(s,) for s in sizes[1:-1]]) + [y[b]]
        return sum(pi[l] / 2 * np.sum((zs[l + 1] - g(l, zs[l], th)) ** 2) for l in range(len(nodes)))

    def predict(b, th):
        zs = [x[b].astype(complex)]
        for l in range(len(nodes)):
            zs.append(g(l, zs[-1], th))
        return zs

    def at(points):
        return {"F": sum(energy(b, points[b].astype(complex), theta).real for b in range(B)),
                "dF_dz": rows([gradient(lambda w: energy(b, w, theta), points[b]) for b in range(B)]),
                "dF_dtheta": numbers(gradient(lambda th: sum(energy(b, points[b].astype(complex), th) for b in range(B)), theta))}

    def settle(b):
        w = np.concatenate([v.real for v in predict(b, theta)[1:-1]])
        slope = lambda p: gradient(lambda q: energy(b, q, theta), p)
        for _ in range(400):
            d = slope(w)
            w = w - 0.1 * d
            if np.linalg.norm(d) < 1e-2:
                break
        for _ in range(8):
            d, h = slope(w), 1e-5
            if np.linalg.norm(d) < 1e-13:
                break
            J = np.array([(slope(w + h * e) - slope(w - h * e)) / (2 * h) for e in np.eye(free)])
            w = w - np.linalg.solve((J + J.T) / 2, d)
        assert np.linalg.norm(slope(w)) < 1e-12, np.linalg.norm(slope(w))
        return w
    loss = lambda th: sum(np.sum((y[b] - predict(b, th)[-1]) ** 2) / 2 for b in range(B))
    best = np.array([settle(b) for b in range(B)])
    end = at(best)
    return {"arch": arch, "precision": pi, "theta": numbers(theta), "x": rows(x), "y": rows(y), "z": rows(z),
            "at_z": at(z), "loss": loss(theta).real, "dL_dtheta": numbers(gradient(loss, theta)),
            "equilibrium": {"z": rows(best), "F": end["F"], "dF_dtheta": end["dF_dtheta"]}}


json.dump({"layers": [
    case("conv", (4, 5, 2), [conv(3, 3, 1, 1)]),
    case("conv, stride 2, no bias", (5, 4, 2), [conv(2, 3, 2, 1, False)]),
    case("conv, no padding", (3, 4, 1), [conv(2, 2, 1, 0)]),
    case("avg", (4, 5, 2), [pool("avg", 2, 2)]),
    case("max", (4, 4, 2), [pool("max", 2, 2)]),
    case("max, overlapping", (4, 4, 1), [pool("max", 3, 1)]),
    case("norm of pixels", (2, 2, 5), [norm()]),
    case("norm of a row", (1, 1, 6), [norm()]),
    case("attention", (2, 2, 3), [attention(2)]),
    case("residual", (3, 3, 2), [residual([conv(2, 3, 1, 1), norm(), act("tanh")])]),
    case("sequence", (4, 4, 1), [conv(3, 3, 1, 1), act("relu"), pool("max", 2, 2), dense(4), act("tanh"), dense(2)]),
], "network": network("1x4x4-conv2k3p1:avgpool2-attn2-norm:conv2k2-3", (4, 4, 1), [[conv(2, 3, 1, 1), act("tanh"), pool("avg", 2, 2)], [attention(2)], [norm(), conv(2, 2, 1, 0), act("tanh")], [dense(3)]],
                      [1.0, 2.0, 0.5, 1.5])}, sys.stdout, separators=(",", ":"))
