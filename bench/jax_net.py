"""The network, the energy and the residuals in JAX, with nothing but JAX; for the scripts that need them."""

import jax
import jax.numpy as jnp

PHI = {"tanh": jnp.tanh, "relu": jax.nn.relu}


def layers(ws, act):
    """The layers' functions of the activities before them; the last one is linear."""
    hidden = [lambda z, w=w: PHI[act](z @ w.T) for w in ws[:-1]]
    return hidden + [lambda z: z @ ws[-1].T]


def feedforward(ws, act, x, errors=None):
    """Activities z_1 ... z_L; errors e_1 ... e_{L-1} are added on the way."""
    zs = []
    for l, g in enumerate(layers(ws, act)):
        x = g(x)
        if errors is not None and l < len(errors):
            x = x + errors[l]
        zs.append(x)
    return zs


def energy(ws, act, zs, x, y):
    """F of free activities z_1 ... z_{L-1}, summed over the batch."""
    before, after = [x] + list(zs), list(zs) + [y]
    return sum(jnp.sum((a - g(b)) ** 2) for g, b, a in zip(layers(ws, act), before, after)) / 2


def energy_of_errors(ws, act, es, x, y):
    """F of e_1 ... e_{L-1}."""
    return (sum(jnp.sum(e**2) for e in es) + jnp.sum((y - feedforward(ws, act, x, es)[-1]) ** 2)) / 2


def norm(tree):
    return jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(tree)))


def residuals(ws, act, zs, x, y):
    """Residual ratios of the activities z_1 ... z_{L-1}: in activities, in errors."""
    start = feedforward(ws, act, x)[:-1]
    es = [z - g(b) for z, g, b in zip(zs, layers(ws, act), [x] + list(zs))]
    in_z = jax.grad(lambda zs: energy(ws, act, zs, x, y))
    in_e = jax.grad(lambda es: energy_of_errors(ws, act, es, x, y))
    zero = [jnp.zeros_like(e) for e in es]
    return float(norm(in_z(list(zs))) / norm(in_z(start))), float(norm(in_e(es)) / norm(in_e(zero)))
