"""FabricPC's training step, jitted with donated buffers as its trainer's is: python fabricpc_step.py NETWORK ACT MNIST-FOLDER

Its error-coordinate mode (3 iterations at 0.7), its default one (20 steps of 0.05 on the activities), and its BP."""

from functools import partial
from importlib.metadata import version

import jax
import jax.numpy as jnp
import optax
from fabricpc.core.activations import IdentityActivation, ReLUActivation, TanhActivation
from fabricpc.core.inference import InferenceSGD
from fabricpc.core.inference_epc import EPCInference
from fabricpc.core.topology import Edge
from fabricpc.graph_assembly import TaskMap, graph
from fabricpc.graph_initialization import initialize_params
from fabricpc.nodes import Linear
from fabricpc.training import make_train_step

from common import LR, NETWORKS, arguments, batches, clock, row, weights
from jax_net import residuals

network, act, folder = arguments()
phi = {"tanh": TanhActivation, "relu": ReLUActivation}[act]
dims = NETWORKS[network]
key = jax.random.PRNGKey(0)


def race(what, algorithm, inference):
    nodes = [Linear(shape=(dims[0],), name="z0")]
    for l, n in enumerate(dims[1:], 1):
        last = l == len(dims) - 1
        nodes.append(Linear(shape=(n,), name=f"z{l}", activation=IdentityActivation() if last else phi(), use_bias=False))
    edges = [Edge(source=a, target=b.slot("in")) for a, b in zip(nodes, nodes[1:])]
    net = graph(nodes=nodes, edges=edges, task_map=TaskMap(x=nodes[0], y=nodes[-1]), inference=inference)
    params = initialize_params(net, key)
    for node, w in zip(nodes[1:], weights(network)):
        held = params.nodes[node.name].weights
        for edge in held:
            held[edge] = jnp.array(w.T)
    data = [{"x": jnp.array(x), "y": jnp.array(y)} for x, y in batches(folder)]
    adam = optax.adam(LR)
    state = adam.init(params)
    whole = make_train_step(net, adam, algorithm=algorithm)

    # The activities that inference ends with: only the first call asks for them.
    residual = in_z = None
    if algorithm == "pc":
        final = whole(params, state, data[0], key)[-1]
        zs = [final.nodes[node.name].z_latent for node in nodes[1:-1]]
        in_z, residual = residuals([jnp.array(w) for w in weights(network)], act, zs, data[0]["x"], data[0]["y"])

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, batch, key):
        return whole(params, state, batch, key)[:2]

    now = [params, state]

    def call(batch):
        now[:] = jax.block_until_ready(step(*now, batch, key))

    row("fabricpc", version("fabricpc"), what, network, act, clock(call, [(b,) for b in data]), residual, activity_residual=in_z)


race("PC, error coordinates 3 x 0.7", "pc", EPCInference(eta_infer=0.7, infer_steps=3))
race("PC, activities 20 x 0.05", "pc", InferenceSGD(eta_infer=0.05, infer_steps=20))
race("BP", "backprop", InferenceSGD(eta_infer=0.05, infer_steps=20))
