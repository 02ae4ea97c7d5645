"""PCX's training step, jitted: python pcx_step.py NETWORK ACT MNIST-FOLDER

Feedforward start, T steps of SGD on the activities (20 at 0.1, energy summed over the batch), one step of Adam on the weights."""

from importlib.metadata import version

import jax
import jax.numpy as jnp
import optax
import pcx.functional as pxf
import pcx.nn as pxnn
import pcx.predictive_coding as pxc
import pcx.utils as pxu

from common import BATCH, LR, NETWORKS, arguments, batches, clock, row, weights
from jax_net import PHI, residuals

network, act, folder = arguments()
dims = NETWORKS[network]


class Net(pxc.EnergyModule):
    def __init__(self):
        super().__init__()
        self.layers = [pxnn.Linear(m, n, bias=False) for m, n in zip(dims, dims[1:])]
        self.vodes = [pxc.Vode() for _ in self.layers]
        self.vodes[-1].h.frozen = True
        for layer, w in zip(self.layers, weights(network)):
            layer.nn.weight.set(jnp.array(w))

    def __call__(self, x, y=None):
        for layer, vode in zip(self.layers[:-1], self.vodes):
            x = vode(PHI[act](layer(x)))
        x = self.vodes[-1](self.layers[-1](x))
        if y is not None:
            self.vodes[-1].set("h", y)
        return x


masked = pxu.M(pxc.VodeParam | pxc.VodeParam.Cache).to((None, 0))


@pxf.vmap(masked, in_axes=(0, 0), out_axes=0)
def start(x, y, *, net):
    return net(x, y)


@pxf.vmap(masked, in_axes=(0,), out_axes=(None, 0), axis_name="batch")
def energy(x, *, net):
    y = net(x)
    return jax.lax.psum(net.energy(), "batch"), y


def step(rounds, x, y, *, net, weights_optim, activities_optim):
    with pxu.step(net, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        start(x, y, net=net)
    activities_optim.init(pxu.M_hasnot(pxc.VodeParam, frozen=True)(net))
    of_activities = pxf.value_and_grad(pxu.M_hasnot(pxc.VodeParam, frozen=True).to([False, True]), has_aux=True)(energy)
    for _ in range(rounds):
        with pxu.step(net, clear_params=pxc.VodeParam.Cache):
            _, g = of_activities(x, net=net)
            activities_optim.step(net, g["net"])
    activities_optim.clear()
    with pxu.step(net, clear_params=pxc.VodeParam.Cache):
        _, g = pxf.value_and_grad(pxu.M(pxnn.LayerParam).to([False, True]), has_aux=True)(energy)(x, net=net)
        weights_optim.step(net, g["net"], scale_by=1.0 / BATCH)


def race(what, rounds, rate):
    net = Net()
    data = [(jnp.array(x), jnp.array(y)) for x, y in batches(folder)]
    with pxu.step(net, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        start(*data[0], net=net)
    adam = pxu.Optim(lambda: optax.adam(LR), pxu.M(pxnn.LayerParam)(net))
    sgd = pxu.Optim(lambda: optax.sgd(rate))
    jitted = pxf.jit(static_argnums=0)(step)
    call = lambda x, y: jitted(rounds, x, y, net=net, weights_optim=adam, activities_optim=sgd)
    call(*data[0])
    zs = [v.h.get() for v in net.vodes[:-1]]
    in_z, residual = residuals([jnp.array(w) for w in weights(network)], act, zs, *data[0])

    def wait(x, y):
        call(x, y)
        jax.block_until_ready([layer.nn.weight.get() for layer in net.layers])

    row("pcx", version("pcx"), what, network, act, clock(wait, data), residual, activity_residual=in_z)


race("PC, activity SGD 20 x 0.1", 20, 0.1)
