"""Convolutions, pooling, resizes and norms in PyTorch with all their options, for test/engine/ops-torch.test.ts.

`make_fixtures.py OUT_DIR` writes them to picture_ops.safetensors, in the format of op_fixtures.py. Also large means beside
small deviations, and sides at which float32 just misses a pixel.
"""
import torch
from torch.nn import functional as F


def values(*shape, scale=1.0, offset=0.0):
    return torch.randn(shape) * scale + offset


def conv(op, xs, ws, bias=True, **args):
    transposed = op.startswith("conv_transpose")
    out = ws[1] * args.get("groups", 1) if transposed else ws[0]
    inputs = {"x": values(*xs), "weight": values(*ws, scale=0.5), **({"bias": values(out)} if bias else {})}
    return {"op": op, "args": args, "in": inputs}


def norm(op, x, shape, affine=True, **args):
    more = {"weight": values(*shape, offset=1.0), "bias": values(*shape)} if affine else {}
    return {"op": op, "args": args, "in": {"x": x, **more}}


def plain(op, x, **args):
    return {"op": op, "args": args, "in": {"x": x}}


def far(*shape):
    """A mean that is large against the deviation, in float32."""
    n = torch.tensor(shape).prod().item()
    return (1000 + torch.arange(n, dtype=torch.float64) * 1e-3).float().reshape(shape)


def cases():
    resizes = [((2, 3, 4, 5), 8, 10), ((1, 2, 5, 7), 3, 9), ((1, 1, 1, 3), 2, 6), ((1, 2, 3, 1), 7, 4), ((1, 1, 1, 14), 1, 46), ((1, 1, 2, 1), 82, 1)]
    return [
        conv("conv2d", (2, 6, 7, 5), (4, 3, 3, 3), padding=1, groups=2),
        conv("conv2d", (1, 5, 9, 8), (10, 1, 3, 3), padding=1, groups=5),
        conv("conv2d", (1, 6, 12, 11), (6, 1, 5, 5), stride=2, padding=2, groups=6, bias=False),
        conv("conv2d", (2, 3, 11, 9), (4, 3, 3, 3), padding=2, dilation=2),
        conv("conv2d", (1, 4, 13, 12), (6, 2, 3, 2), stride=[2, 1], padding=[3, 0], dilation=[3, 2], groups=2),
        conv("conv2d", (1, 2, 15, 17), (3, 2, 11, 9), padding=[5, 4]),
        conv("conv_transpose2d", (1, 6, 5, 4), (6, 2, 3, 3), stride=2, padding=1, outputPadding=1, groups=3),
        conv("conv_transpose2d", (2, 4, 5, 6), (4, 3, 3, 3), padding=2, dilation=2),
        conv("conv_transpose2d", (1, 4, 4, 5), (4, 1, 4, 3), stride=[1, 2], dilation=[3, 2], outputPadding=[2, 1], groups=4),
        conv("conv1d", (2, 4, 19), (6, 2, 5), stride=2, padding=3, dilation=2, groups=2),
        conv("conv1d", (1, 3, 8), (5, 3, 1)),
        conv("conv_transpose1d", (2, 4, 7), (4, 3, 4), stride=3, padding=1, outputPadding=2),
        plain("max_pool2d", values(1, 2, 14, 17), kernel=[9, 5], stride=[2, 3], padding=[4, 1]),
        plain("avg_pool2d", values(2, 3, 7, 8), kernel=2, stride=2, padding=0, countIncludePad=True),
        plain("avg_pool2d", values(1, 2, 9, 7), kernel=[3, 4], stride=[2, 1], padding=[1, 2], countIncludePad=True),
        plain("avg_pool2d", values(1, 2, 9, 7), kernel=[3, 4], stride=[2, 1], padding=[1, 2], countIncludePad=False),
        plain("adaptive_avg_pool2d", values(2, 3, 7, 5), height=3, width=4),
        plain("adaptive_avg_pool2d", values(1, 2, 3, 5), height=4, width=1),
        plain("adaptive_avg_pool2d", values(2, 3, 9, 4), height=1, width=1),
        *[plain("upsample_nearest", values(*x), height=h, width=w) for x, h, w in resizes],
        *[plain("upsample_bicubic", values(*x), height=h, width=w, alignCorners=a) for x, h, w in resizes for a in (True, False)],
        plain("pixel_shuffle", values(2, 12, 3, 2), factor=2),
        plain("pixel_unshuffle", values(1, 2, 6, 9), factor=3),
        norm("instance_norm", values(2, 3, 4, 5), (3,), affine=False),
        norm("instance_norm", values(2, 3, 4, 5), (3,)),
        norm("instance_norm", far(1, 1, 8, 8), (1,), affine=False),
        norm("group_norm", values(2, 6, 5, 3), (6,), groups=3),
        norm("group_norm", values(3, 12), (12,), groups=2),
        norm("group_norm", far(1, 4, 4, 4), (4,), groups=2),
        norm("layer_norm", values(4, 7, 5), (5,), sides=1),
        norm("layer_norm", values(2, 3, 4, 5), (3, 4, 5), sides=3),
        norm("layer_norm", far(3, 64), (64,), sides=1),
    ]  # fmt: skip


def forward(op, args, t, state):
    x, weight, bias = t["x"], t.get("weight"), t.get("bias")
    if op.startswith("conv"):
        stride, padding, dilation, groups = (args.get(k, d) for k, d in (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1)))
        if op.startswith("conv_transpose"):
            apply = {"conv_transpose1d": F.conv_transpose1d, "conv_transpose2d": F.conv_transpose2d}[op]
            return apply(x, weight, bias, stride, padding, args.get("outputPadding", 0), groups, dilation)
        return {"conv1d": F.conv1d, "conv2d": F.conv2d}[op](x, weight, bias, stride, padding, dilation, groups)
    if op == "max_pool2d":
        return F.max_pool2d(x, args["kernel"], args["stride"], args["padding"])
    if op == "avg_pool2d":
        return F.avg_pool2d(x, args["kernel"], args["stride"], args["padding"], False, args["countIncludePad"])
    if op == "adaptive_avg_pool2d":
        return F.adaptive_avg_pool2d(x, (args["height"], args["width"]))
    if op == "upsample_nearest":
        return F.interpolate(x, (args["height"], args["width"]), mode="nearest")
    if op == "upsample_bicubic":
        return F.interpolate(x, (args["height"], args["width"]), mode="bicubic", align_corners=args["alignCorners"])
    if op in ("pixel_shuffle", "pixel_unshuffle"):
        return {"pixel_shuffle": F.pixel_shuffle, "pixel_unshuffle": F.pixel_unshuffle}[op](x, args["factor"])
    if op == "instance_norm":
        return F.instance_norm(x, weight=weight, bias=bias)
    if op == "group_norm":
        return F.group_norm(x, args["groups"], weight, bias)
    return F.layer_norm(x, x.shape[-args["sides"] :], weight, bias)
