"""The three products of a layer by NumPy's OpenBLAS: python numpy_products.py"""

import numpy as np

from common import BATCH, clock, row

for k, n in (300, 300), (784, 300), (128, 128):
    rng = np.random.default_rng(0)
    z, w, e = (rng.standard_normal(s, np.float32) for s in ((BATCH, k), (n, k), (BATCH, n)))
    out = {"mul": np.empty((BATCH, n), np.float32), "pull": np.empty((BATCH, k), np.float32), "grad": np.empty((n, k), np.float32)}
    calls = {"mul": lambda o: np.matmul(z, w.T, out=o), "pull": lambda o: np.matmul(e, w, out=o), "grad": lambda o: np.matmul(e.T, z, out=o)}
    for op, call in calls.items():
        repeat = 100
        times = [t / repeat for t in clock(lambda: [call(out[op]) for _ in range(repeat)], [()])]
        best = 2 * BATCH * k * n / min(times) / 1e6  # as settle bench kernels does
        row("numpy", np.__version__, op, f"{BATCH}x{k}x{n}", None, times, gflops=best)
