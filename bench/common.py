"""What the scripts share: the network, the batches, the clock and the printed row. No library but NumPy."""

import gzip
import json
import statistics
import sys
import time

import numpy as np

BATCH, STEPS, LR = 64, 31, 1e-3
NETWORKS = {"784-300x9-10": [784] + [300] * 9 + [10], "784-300-300-10": [784, 300, 300, 10]}


def arguments():
    """The network and the activation that the command line names: SCRIPT NETWORK ACT MNIST-FOLDER."""
    return sys.argv[1], sys.argv[2], sys.argv[3]


def weights(network):
    """Fan-in uniform weights, no biases: W_l is n_l x n_{l-1}."""
    rng = np.random.default_rng(0)
    dims = NETWORKS[network]
    return [rng.uniform(-1, 1, (n, m)).astype(np.float32) / np.float32(m**0.5) for m, n in zip(dims, dims[1:])]


def read(path, header):
    with gzip.open(path) as f:
        return np.frombuffer(f.read(), np.uint8)[header:]


def batches(folder, n=4):
    """The first n batches of MNIST, standardised inputs and one-hot targets."""
    x = read(f"{folder}/train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[: n * BATCH]
    y = read(f"{folder}/train-labels-idx1-ubyte.gz", 8)[: n * BATCH]
    x = ((x / 255 - 0.1307) / 0.3081).astype(np.float32)
    return list(zip(x.reshape(n, BATCH, 784), np.eye(10, dtype=np.float32)[y].reshape(n, BATCH, 10)))


def clock(step, inputs, steps=STEPS, warm=4):
    """Milliseconds of each of some calls, one after another, of step(*inputs[i]), which waits for its result."""
    times = []
    for i in range(warm + steps):
        start = time.perf_counter()
        step(*inputs[i % len(inputs)])
        times.append(1e3 * (time.perf_counter() - start))
    return times[warm:]


def row(library, version, what, network, act, times, residual=None, **more):
    """Prints one line of JSON: the table is made of these."""
    print(json.dumps(dict(library=library, version=version, what=what, network=network, act=act, ms=statistics.median(times),
                          min=min(times), max=max(times), residual=residual, **more)), flush=True)
