"""Steps of training in plain JAX, jitted, buffers donated: python jax_steps.py NETWORK ACT MNIST-FOLDER

BP; and predictive coding as JPC does it (Heun with a PID controller on the activities to t = 20, gradient divided by the batch,
or not), by SGD on activities, and by gradient descent on the errors."""

from functools import partial

import diffrax
import jax
import jax.numpy as jnp
import optax

from common import BATCH, LR, arguments, batches, clock, row, weights
from jax_net import energy, energy_of_errors, feedforward, residuals

network, act, folder = arguments()
adam = optax.adam(LR)


def heun(ws, x, y, over):
    """Activities after the gradient flow of F/over to t = 20."""
    flow = lambda t, zs, _: jax.tree.map(jnp.negative, jax.grad(lambda zs: energy(ws, act, zs, x, y) / over)(zs))
    pid = diffrax.PIDController(rtol=1e-3, atol=1e-3)
    zs = feedforward(ws, act, x)[:-1]
    end = diffrax.diffeqsolve(diffrax.ODETerm(flow), diffrax.Heun(), 0, 20, None, zs, stepsize_controller=pid)
    return [z[0] for z in end.ys]


def activity_sgd(ws, x, y, rate=0.1, steps=20):
    sgd = optax.sgd(rate)

    def one(_, carry):
        zs, state = carry
        change, state = sgd.update(jax.grad(lambda zs: energy(ws, act, zs, x, y))(zs), state)
        return optax.apply_updates(zs, change), state

    zs = feedforward(ws, act, x)[:-1]
    return jax.lax.fori_loop(0, steps, one, (zs, sgd.init(zs)))[0]


def error_descent(ws, x, y, rate=0.7, steps=3):
    es = [jnp.zeros_like(z) for z in feedforward(ws, act, x)[:-1]]
    for _ in range(steps):
        gs = jax.grad(lambda es: energy_of_errors(ws, act, es, x, y))(es)
        es = [e - rate * g for e, g in zip(es, gs)]
    return feedforward(ws, act, x, es)[:-1]


def bp_gradient(ws, x, y):
    return jax.grad(lambda ws: jnp.sum((y - feedforward(ws, act, x)[-1]) ** 2) / 2 / BATCH)(ws)


def pc_gradient(infer, ws, x, y):
    zs = infer(ws, x, y)
    return jax.grad(lambda ws: energy(ws, act, zs, x, y) / BATCH)(ws)


def race(what, gradient, infer=None, library="jax", version=jax.__version__):
    data = [(jnp.array(x), jnp.array(y)) for x, y in batches(folder)]
    ws = [jnp.array(w) for w in weights(network)]
    residual = in_z = None
    if infer:
        x, y = data[0]
        in_z, residual = residuals(ws, act, jax.jit(infer)(ws, x, y), x, y)

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(ws, state, x, y):
        change, state = adam.update(gradient(ws, x, y), state)
        return optax.apply_updates(ws, change), state

    now = [ws, adam.init(ws)]

    def call(x, y):
        now[:] = jax.block_until_ready(step(*now, x, y))

    row(library, version, what, network, act, clock(call, data), residual, activity_residual=in_z)


race("BP", bp_gradient)
error_gd, sgd = error_descent, activity_sgd
race("PC, error GD 3 x 0.7", partial(pc_gradient, error_gd), error_gd)
race("PC, activity SGD 20 x 0.1", partial(pc_gradient, sgd), sgd)
for name, over in ("F/batch", BATCH), ("F", 1):
    infer = partial(heun, over=over)
    race(f"PC, Heun to t = 20, {name}", partial(pc_gradient, infer), infer, "jax + diffrax", f"{jax.__version__} + {diffrax.__version__}")
