"""Reference values of the energy of graphs, for graph_test.go. NumPy alone; it shares nothing with the Go code.

    python3 graph.py > graph.json

F = sum_i pi_i/2 |x_i - mu_i|^2 over the nodes that some edge leads to, one sample, mu_i = phi(sum_j W_ij x_j + b_i) ("after") or
sum_j W_ij phi(x_j) + b_i ("before"). Its derivatives in every x_i, W_ij and b_i are complex steps of F, which have no cancellation.
"""
import json

import numpy as np

rng = np.random.default_rng(31)
phi = {"linear": lambda a: a, "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)), "silu": lambda a: a / (1 + np.exp(-a))}


def energy(nodes, edges, pi, x, w, b):
    total = 0
    for i, node in enumerate(nodes):
        into = [e for e in edges if e[1] == i]
        if not into:
            continue
        f = phi[node["act"]]
        if node["place"] == "after":
            mu = f(sum(w[e] @ x[e[0]] for e in into) + b[i])
        else:
            mu = sum(w[e] @ f(x[e[0]]) for e in into) + b[i]
        total = total + pi[i] / 2 * ((x[i] - mu) ** 2).sum()
    return total


def slope(f, v):
    """df/dv of an analytic f by complex steps of 1e-30. f looks at v, which is complex meanwhile."""
    out = np.zeros(v.shape)
    for k in np.ndindex(v.shape):
        v[k] += 1e-30j
        out[k] = np.imag(f()) / 1e-30
        v[k] -= 1e-30j
    return out


def case(widths, edges, acts, places, biased):
    nodes = [dict(n=n, act=a, place=p, bias=bool(k)) for n, a, p, k in zip(widths, acts, places, biased)]
    pi = rng.uniform(0.3, 2, len(nodes))
    x = [rng.standard_normal(n).astype(complex) for n in widths]
    w = {(j, i): (0.7 * rng.standard_normal((widths[i], widths[j]))).astype(complex) for j, i in edges}
    b = [(rng.standard_normal(n) if k else np.zeros(n)).astype(complex) for n, k in zip(widths, biased)]

    def f():
        return energy(nodes, edges, pi, x, w, b)

    real = lambda v: np.real(v).tolist()
    return dict(nodes=nodes, edges=[list(e) for e in edges], pi=pi.tolist(), x=[real(v) for v in x], w=[real(w[e]) for e in edges],
                b=[real(v) for v in b], f=float(np.real(f())), dx=[slope(f, v).tolist() for v in x], dw=[slope(f, w[e]).tolist() for e in edges],
                db=[slope(f, b[i]).tolist() if biased[i] else [] for i in range(len(nodes))])


after, before = "after", "before"
cases = [
    # a ring of three
    case([3, 4, 2], [(0, 1), (1, 2), (2, 0)], ["tanh"] * 3, [after] * 3, [1, 0, 1]),
    case([3, 4, 2], [(0, 1), (1, 2), (2, 0)], ["tanh"] * 3, [before] * 3, [1, 0, 1]),
    # all to all and to themselves, mixed
    case([2, 3, 4], [(j, i) for i in (2, 0, 1) for j in (1, 2, 0)], ["sigmoid", "silu", "linear"], [after, before, after], [1, 1, 1]),
    # a node that nothing predicts, a skip, a node of several edges, one to itself and one back
    case([5, 4, 3, 2], [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 1), (3, 1)], ["linear", "tanh", "silu", "linear"],
         [after, after, before, after], [0, 1, 1, 1]),
    # one node that predicts itself
    case([4], [(0, 0)], ["tanh"], [before], [1]),
]
print(json.dumps(dict(numpy=np.__version__, cases=cases), indent=1))
