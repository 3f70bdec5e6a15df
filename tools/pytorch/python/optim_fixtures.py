"""Optimizers in PyTorch, for test/engine/nn/optim.test.ts:  python3 tools/pytorch/python/optim_fixtures.py OUT_FILE

The file's metadata: format pixtape-optim, version 1, and `cases`, a JSON list of {name, args}. Case N's tensors: N.start,
the weights; N.grads (steps, n), the gradient of each step; N.after (steps, n), the weights after each. Computed in float64
and stored as float32.
"""
import json
import sys

import torch
from make_fixtures import write_safetensors

CASES = [
    ("SGD", {"lr": 0.1}, {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weightDecay": 0.01}, {"lr": 0.1, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9}),
    (
        "SGD",
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weightDecay": 0.02},
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.02},
    ),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01, "weightDecay": 0.1}, {"lr": 0.01, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}, {"lr": 0.01}),
    ("AdamW", {"lr": 0.02, "betas": [0.5, 0.9], "weightDecay": 0.2}, {"lr": 0.02, "betas": (0.5, 0.9), "weight_decay": 0.2}),
    ("RMSprop", {}, {}),
    ("RMSprop", {"lr": 0.003, "alpha": 0.9, "eps": 1e-5, "weightDecay": 0.1}, {"lr": 0.003, "alpha": 0.9, "eps": 1e-5, "weight_decay": 0.1}),
]


def main(path):
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    tensors, cases = {}, []
    for n, (name, ours, theirs) in enumerate(CASES):
        start = torch.randn(7).float().double()
        grads = torch.randn(5, 7).float().double()
        weight = torch.nn.Parameter(start.clone())
        optim = getattr(torch.optim, name)([weight], **theirs)
        after = []
        for grad in grads:
            weight.grad = grad.clone()
            optim.step()
            after.append(weight.detach().clone())
        cases.append({"name": name, "args": ours})
        for key, value in {"start": start, "grads": grads, "after": torch.stack(after)}.items():
            tensors[f"{n}.{key}"] = value.float().contiguous()
    write_safetensors(path, tensors, {"format": "pixtape-optim", "version": "1", "cases": json.dumps(cases)})


main(sys.argv[1])
