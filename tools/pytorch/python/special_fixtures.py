"""Element-wise operations in PyTorch at the ends of float32, for test/engine/ops/elementwise/special_values.test.ts:

    python3 tools/pytorch/python/special_fixtures.py OUT_FILE

`x` is NaN, both infinities, both zeros, denormal numbers and ordinary ones, small and large. For each operation NAME.y is its
result, NAME.dx the gradient of x for dy = 1, NAME.inf for an infinite dy. Computed in float32, as PyTorch does it: what
overflows there, overflows.
"""
import sys

sys.dont_write_bytecode = True
import torch
from make_fixtures import write_safetensors
from torch.nn import functional as F

INF = float("inf")
X = torch.tensor([float("nan"), INF, -INF, 0.0, -0.0, 1e-40, -1e-40, 1.0, -1.0, 0.25, -3.0, 100.0, -100.0, 3e38, -3e38])
ZERO = torch.tensor(0.0)

OPERATIONS = {
    "relu": F.relu,
    "leakyRelu": lambda x: F.leaky_relu(x, 0.2),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "geluTanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "elu": F.elu,
    "neg": torch.neg,
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "clamp": lambda x: torch.clamp(x, -1.0, 0.5),
    "pow0": lambda x: x**0,
    "pow1": lambda x: torch.pow(x, torch.ones(1)),
    "pow2": lambda x: x**2,
    "pow3": lambda x: x**3,
    "powMinus1": lambda x: x**-1,
    "pow2.5": lambda x: x**2.5,
    "2pow": lambda x: 2**x,
    "add1": lambda x: x + 1,
    "1sub": lambda x: 1 - x,
    "mul2": lambda x: x * 2,
    "mul0": lambda x: x * 0,
    "1div": lambda x: 1 / x,
    "div3": lambda x: x / 3,
    "maximum0": lambda x: torch.maximum(x, ZERO),
    "minimum0": lambda x: torch.minimum(x, ZERO),
    "where": lambda x: torch.where(x > 0, x, ZERO),
}  # fmt: skip


def special_fixtures():
    tensors = {"x": X}
    for name, operation in OPERATIONS.items():
        for suffix, dy in (("dx", 1.0), ("inf", INF)):
            x = X.clone().requires_grad_()
            y = operation(x)
            y.backward(torch.full_like(y, dy))
            tensors[f"{name}.{suffix}"] = x.grad
        tensors[f"{name}.y"] = y.detach()
    return tensors


if __name__ == "__main__":
    write_safetensors(sys.argv[1], special_fixtures(), {"format": "pixtape-special", "version": "1"})
