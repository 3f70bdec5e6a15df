"""Single operations in PyTorch: results and gradients of small problems, for test/ops-torch.test.ts.

`make_fixtures.py OUT_DIR` writes them to one file, ops.safetensors. Its metadata: format pixtape-ops, version 1, and
`cases`, a JSON list of {op, args, inputs}. Case N's tensors: N.in.NAME for each of its inputs, N.out, N.dy (the gradient of
the result, random), N.grad.NAME for each input that has one, N.after.NAME for what the operation changes in place.
Computed in float64 and stored as float32, so that the difference is the other side's alone.
"""
import json

import torch
from torch.nn import functional as F


def values(*shape, scale=1.0, offset=0.0):
    return torch.randn(shape) * scale + offset


def steps_of(*shape):
    """Whole numbers, so that several of a window are the largest."""
    return torch.randint(-2, 3, shape).float()


def conv(xs, ws, stride=1, padding=0, bias=True, transposed=False, **more):
    out = ws[1] if transposed else ws[0]
    inputs = {"x": values(*xs), "weight": values(*ws, scale=0.5)}
    if bias:
        inputs["bias"] = values(out)
    return {"op": "conv_transpose2d" if transposed else "conv2d", "args": {"stride": stride, "padding": padding, **more}, "in": inputs}


def norm(shape, training, offset=0.0, scale=1.0):
    c = shape[1]
    return {
        "op": "batch_norm",
        "args": {"training": training},
        "in": {"x": values(*shape, offset=offset, scale=scale), "weight": values(c, offset=1.0), "bias": values(c)},
        "state": {"running_mean": values(c), "running_var": torch.rand(c) + 0.5},
    }


def pool(x, kernel, stride, padding):
    return {"op": "max_pool2d", "args": {"kernel": kernel, "stride": stride, "padding": padding}, "in": {"x": x}}


def upsample(xs, height, width, align):
    return {"op": "upsample_bilinear", "args": {"height": height, "width": width, "alignCorners": align}, "in": {"x": values(*xs)}}


def loss(op, target=None, **inputs):
    return {"op": op, "args": {} if target is None else {"target": target}, "in": inputs}


def adam(n, steps, **args):
    grads = torch.randn(steps, n)
    grads[:, 0] = 0
    grads[:2, 1] = 0
    grads[:, 2] *= 1e-9
    return {"op": "adam", "args": args, "state": {"w": values(n)}, "in": {"grads": grads}}


def cases():
    logits = torch.tensor([-200.0, -30.0, -1.5, -1e-3, 0.0, 1e-3, 1.5, 30.0, 200.0])
    apart = values(3, 4, 5)
    return [
        conv((2, 3, 7, 5), (4, 3, 3, 3), padding=1),
        conv((1, 5, 1, 9), (2, 5, 1, 1)),
        conv((3, 2, 6, 7), (3, 2, 2, 2), padding=1, bias=False),
        conv((2, 3, 9, 8), (2, 3, 4, 4), stride=2, padding=1),
        conv((1, 2, 8, 11), (3, 2, 7, 7), padding=3),
        conv((2, 2, 7, 9), (3, 2, 3, 5), stride=[2, 3], padding=[1, 2]),
        conv((1, 17, 6, 19), (18, 17, 3, 3), padding=1),
        conv((2, 3, 4, 5), (3, 2, 4, 4), stride=2, padding=1, transposed=True),
        conv((1, 2, 3, 1), (2, 3, 3, 3), stride=2, padding=1, transposed=True, outputPadding=1),
        conv((2, 4, 1, 1), (4, 3, 4, 4), transposed=True),
        conv((2, 2, 5, 3), (2, 2, 2, 2), bias=False, transposed=True),
        norm((3, 4, 5, 7), True),
        norm((2, 3, 1, 1), True),
        norm((2, 2, 16, 16), True, offset=1.0, scale=0.1),
        norm((1, 2, 3, 4), True, scale=1e-3),
        norm((2, 3, 4, 5), False),
        pool(values(2, 3, 6, 8), 2, 2, 0),
        pool(steps_of(2, 2, 7, 9), 2, 2, 0),
        pool(steps_of(1, 3, 8, 7), 3, 2, 1),
        pool(values(1, 2, 5, 5), 3, 1, 1),
        upsample((2, 3, 4, 5), 8, 10, True),
        upsample((2, 3, 4, 5), 8, 10, False),
        upsample((1, 2, 1, 3), 2, 6, True),
        upsample((1, 2, 3, 1), 7, 4, True),
        upsample((1, 2, 5, 7), 3, 9, False),
        loss("bce_with_logits", 1, x=logits.clone()),
        loss("bce_with_logits", 0, x=logits.clone()),
        loss("bce_with_logits", 0.9, x=values(2, 1, 5, 3)),
        loss("l1", x=apart, y=apart + torch.where(torch.rand(3, 4, 5) < 0.5, -0.5, 0.5) * torch.rand(3, 4, 5)),
        loss("mse", x=values(2, 3, 5), y=values(2, 3, 5)),
        loss("leaky_relu", x=steps_of(3, 7)),
        loss("relu", x=steps_of(3, 7)),
        loss("sigmoid", x=logits.clone()),
        loss("tanh", x=logits.clone()),
        adam(70, 4, lr=2e-4, betas=[0.9, 0.999], eps=1e-8),
        adam(5, 3, lr=0.1, betas=[0.5, 0.99], eps=1e-6),
    ]  # fmt: skip


def forward(op, args, t, state):
    if op == "conv2d":
        return F.conv2d(t["x"], t["weight"], t.get("bias"), args["stride"], args["padding"])
    if op == "conv_transpose2d":
        extra = args.get("outputPadding", 0)
        return F.conv_transpose2d(t["x"], t["weight"], t.get("bias"), args["stride"], args["padding"], extra)
    if op == "batch_norm":
        mean, var = state["running_mean"], state["running_var"]
        return F.batch_norm(t["x"], mean, var, t["weight"], t["bias"], args["training"], 0.1, 1e-5)
    if op == "max_pool2d":
        return F.max_pool2d(t["x"], args["kernel"], args["stride"], args["padding"])
    if op == "upsample_bilinear":
        size = (args["height"], args["width"])
        return F.interpolate(t["x"], size, mode="bilinear", align_corners=args["alignCorners"])
    if op == "bce_with_logits":
        return F.binary_cross_entropy_with_logits(t["x"], torch.full_like(t["x"], args["target"])).reshape(1)
    if op in ("l1", "mse"):
        return {"l1": F.l1_loss, "mse": F.mse_loss}[op](t["x"], t["y"]).reshape(1)
    if op == "leaky_relu":
        return F.leaky_relu(t["x"], 0.2)
    return {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}[op](t["x"])


def run_adam(args, grads, w):
    """The weight after each step, a row each."""
    w.requires_grad_()
    optim = torch.optim.Adam([w], lr=args["lr"], betas=args["betas"], eps=args["eps"])
    rows = []
    for grad in grads:
        w.grad = grad.clone()
        optim.step()
        rows.append(w.detach().clone())
    return torch.stack(rows)


def op_fixtures(seed=0, cases=cases, forward=forward):
    """The tensors and the metadata of the file."""
    torch.manual_seed(seed)
    tensors, listed = {}, []
    for n, case in enumerate(cases()):
        op, args, inputs, before = case["op"], case["args"], case["in"], case.get("state", {})
        listed.append({"op": op, "args": args, "inputs": [*inputs, *before]})
        tensors.update({f"{n}.in.{k}": v.clone() for k, v in {**inputs, **before}.items()})
        state = {k: v.double() for k, v in before.items()}
        given = {k: v.double().requires_grad_(op != "adam") for k, v in inputs.items()}
        if op == "adam":
            tensors[f"{n}.out"] = run_adam(args, given["grads"], state["w"]).float()
            continue
        out = forward(op, args, given, state)
        dy = torch.randn(out.shape)
        out.backward(dy.double())
        tensors.update({f"{n}.out": out.detach().float(), f"{n}.dy": dy})
        tensors.update({f"{n}.grad.{k}": v.grad.float() for k, v in given.items()})
        tensors.update({f"{n}.after.{k}": v.float() for k, v in state.items()})
    return tensors, {"format": "pixtape-ops", "version": "1", "cases": json.dumps(listed)}
