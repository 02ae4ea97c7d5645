"""The BP step in PyTorch, eager, with its fused Adam and with its default one: python torch_bp.py NETWORK ACT MNIST-FOLDER"""

import torch

from common import BATCH, LR, arguments, batches, clock, row, weights

torch.set_num_threads(1)
network, act, folder = arguments()
phi = {"tanh": torch.tanh, "relu": torch.relu}[act]
data = [(torch.tensor(x), torch.tensor(y)) for x, y in batches(folder)]
for fused in True, False:
    ws = [torch.tensor(w, requires_grad=True) for w in weights(network)]
    adam = torch.optim.Adam(ws, lr=LR, fused=fused)

    def step(x, y):
        for w in ws[:-1]:
            x = phi(x @ w.T)
        adam.zero_grad()
        (((y - x @ ws[-1].T) ** 2).sum() / 2 / BATCH).backward()
        adam.step()

    row("torch", torch.__version__, "BP, fused Adam" if fused else "BP, default Adam", network, act, clock(step, data))
