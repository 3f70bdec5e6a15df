"""Penalties on gradients in PyTorch, for test/engine/penalties.test.ts:

    python3 tools/pytorch/python/penalty_fixtures.py OUT_FILE

A critic of two convolutions, a norm, a pool and a matrix judges pictures x (4, 2, 8, 8). For each kind of norm NORM.NAME.penalty is
the penalty, NORM.NAME.grad.W the gradient of weight W, NAME being `wgan` (the 2-norm of the gradient for each picture,
less 1, squared: Gulrajani et al. 2017) or `r1` (the square of that norm: Mescheder et al. 2018). Computed in float64, stored as
float32.
"""
import sys

sys.dont_write_bytecode = True
import torch
from make_fixtures import write_safetensors
from torch.nn import functional as F


def critic(x, w, norm):
    h = F.leaky_relu(F.conv2d(x, w["first"], w["bias"], stride=2, padding=1), 0.2)
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), w["second"])
    if norm == "instance":
        h = F.instance_norm(h)
    if norm == "layer":
        h = F.layer_norm(h, h.shape[1:])
    if norm == "batch":
        h = F.batch_norm(h, None, None, w["weight"], w["shift"], True)
    h = torch.tanh(F.interpolate(h, scale_factor=2, mode="nearest"))
    h = F.gelu(F.avg_pool2d(h, 2))
    return h.flatten(1) @ w["last"]


def penalty_fixtures():
    torch.manual_seed(1)
    shapes = {"first": (6, 2, 4, 4), "bias": (6,), "second": (5, 6, 3, 3), "weight": (5,), "shift": (5,), "last": (80, 1)}
    weights = {k: torch.randn(s) * (0.3 if len(s) > 1 else 1.0) for k, s in shapes.items()}
    pictures = torch.randn(4, 2, 8, 8)
    tensors = {"x": pictures, **{f"w.{k}": v for k, v in weights.items()}}
    for norm in ("none", "instance", "layer", "batch"):
        for name in ("wgan", "r1"):
            w = {k: v.double().requires_grad_() for k, v in weights.items()}
            x = pictures.double().requires_grad_()
            (g,) = torch.autograd.grad(critic(x, w, norm).sum(), [x], create_graph=True)
            squares = g.flatten(1).square().sum(1)
            penalty = ((squares.sqrt() - 1).square() if name == "wgan" else squares).mean()
            used = {k: v for k, v in w.items() if norm == "batch" or k not in ("weight", "shift")}
            found = torch.autograd.grad(penalty, list(used.values()), allow_unused=True)
            tensors[f"{norm}.{name}.penalty"] = penalty.detach().reshape(1).float()
            for k, grad in zip(used, found):
                tensors[f"{norm}.{name}.grad.{k}"] = torch.zeros(shapes[k]) if grad is None else grad.float()
    return tensors


if __name__ == "__main__":
    write_safetensors(sys.argv[1], penalty_fixtures(), {"format": "pixtape-penalties", "version": "1"})
