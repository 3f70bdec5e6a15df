#!/usr/bin/env python3
"""Writes reference fixtures: a small Pix2Pix training problem and PyTorch's answer to it, one safetensors file each.

    python3 tools/pytorch/python/make_fixtures.py OUT_DIR                    the set in test/fixtures, ops.safetensors included
    python3 tools/pytorch/python/make_fixtures.py --config JSON --out FILE   any one (--seed, --init, --pictures, --warm_up)
    python3 tools/pytorch/python/make_fixtures.py --from FILE --out FILE     FILE's problem answered again (--dtype float64)
    python3 tools/pytorch/python/make_fixtures.py --compare A B              largest absolute and worst relative L2 errors of A from B

`npm run --silent reference -- FILE…` runs a fixture on our engine. Needs PyTorch (1.13 or later, with NumPy), on the CPU;
where this python3 has none, another python3 of the PATH that has it takes over.

`--dtype float64` computes in double precision and stores the rounded result, so that the file keeps its format: with
it one sees which of two float32 answers is off, and how well float32 can do at all.
"""
import argparse
import json
import math
import os
import struct
import subprocess
import sys


def take_over():
    """Starts the first python3 of the PATH that can import torch in place of this one."""
    for folder in os.get_exec_path():
        other = os.path.join(folder, "python3")
        if os.access(other, os.X_OK) and not os.path.samefile(other, sys.executable):
            if subprocess.run([other, "-c", "import torch"], capture_output=True).returncode == 0:
                os.execv(other, [other, *sys.argv])
    sys.exit("no python3 on the PATH has PyTorch: install it, e.g. apt-get install python3-torch")


try:
    import torch
except ImportError:
    take_over()
from torch.nn import functional as F

sys.dont_write_bytecode = True
from fixture_sets import picture_ops
from fixture_sets.gan_fixtures import gan_fixture
from fixture_sets.op_fixtures import op_fixtures
from torch_pix2pix import initialise, networks, train

DEFAULTS = {
    "inChannels": 3, "outChannels": 3, "hidden": 4, "depth": 3, "discHidden": 8, "height": 32, "width": 32,
    "batch": 2, "lambda": 200, "lr": 0.0002, "dropout": 0, "steps": 5,
    "netG": "tutorial", "netD": "tutorial", "norm": "batch", "ganMode": "vanilla", "reuseFake": False,
    "beta1": 0.9, "beta2": 0.999,
}  # fmt: skip

# The paper's networks and constants, as small as they go.
UNET = {
    "netG": "unet_32", "hidden": 2, "discHidden": 2, "reuseFake": True, "lambda": 100, "beta1": 0.5,
}  # fmt: skip

# Together they cover batch 1, 3 and 4; depth 2 to 5; both initialisations; sides that a PatchGAN cannot halve evenly;
# channels other than 3; flat areas, where max-pools have ties; running statistics from earlier steps; enough steps at a
# high rate for the losses to depend on both of Adam's averages. With these seeds float32 and float64 agree on the pixel
# that each max-pool takes and on the sign at each rectifier, so all gradients that are not zero are accurate.
SHIPPED = {
    "depth2-batch1": ({"hidden": 6, "depth": 2, "discHidden": 1, "height": 20, "width": 28, "batch": 1, "lambda": 1000},
                      {"seed": 19, "init": "tutorial"}),
    "depth3-batch4": ({"inChannels": 1, "outChannels": 2, "hidden": 2, "depth": 3, "discHidden": 2, "height": 24,
                       "width": 16, "batch": 4}, {"seed": 27, "init": "paper", "pictures": "blocks"}),
    "depth4-batch3": ({"hidden": 2, "depth": 4, "discHidden": 1, "height": 32, "width": 16, "batch": 3, "lr": 0.001,
                       "steps": 20}, {"seed": 17, "init": "paper", "warm_up": 3}),
    "depth5-batch1": ({"hidden": 2, "depth": 5, "discHidden": 1, "height": 32, "width": 64, "batch": 1},
                      {"seed": 24, "init": "tutorial"}),
    "unet32-basic": ({**UNET, "netD": "basic", "inChannels": 1, "outChannels": 2, "batch": 1},
                     {"seed": 1, "init": "paper", "warm_up": 3}),
    "unet32-pixel-instance": ({**UNET, "netD": "pixel", "norm": "instance", "ganMode": "lsgan", "reuseFake": False,
                               "outChannels": 1, "batch": 2}, {"seed": 1, "init": "paper", "warm_up": 8}),
    "resize16-pixel": ({**UNET, "netG": "resize_unet_16", "netD": "pixel", "inChannels": 1, "height": 16, "width": 32},
                       {"seed": 5, "init": "paper", "warm_up": 8}),
    # Two ranks: batch norm over two pictures each, gradients averaged.
    "ranks2-batch4": ({"hidden": 2, "depth": 2, "discHidden": 1, "height": 24, "width": 16, "batch": 4, "ranks": 2},
                      {"seed": 1, "init": "paper"}),
}  # fmt: skip


def completed(config):
    """With everything that is left out; the name of the paper's generator tells its depth."""
    config = {**DEFAULTS, **config}
    if config["netG"] != "tutorial":
        config["depth"] = int(config["netG"].split("_")[-1]).bit_length() - 1
    return config


def picture(shape, kind, config):
    """In [0, 1], or in [-1, 1] for the paper's generator."""
    values = drawn(shape, kind)
    return values if config["netG"] == "tutorial" else 2 * values - 1


def drawn(shape, kind):
    """`noise`: every value by itself; `blocks`: 8×8 areas of one colour, as in drawings and label maps."""
    n, c, h, w = shape
    if kind == "noise":
        return torch.rand(shape)
    return F.interpolate(torch.rand(n, c, math.ceil(h / 8), math.ceil(w / 8)), scale_factor=8)[:, :, :h, :w].contiguous()


def problem(config, seed=0, init="tutorial", pictures="noise", warm_up=0):
    """The tensors that come before the first step. `warm_up` trains so many steps first; Adam then starts afresh."""
    torch.manual_seed(seed)
    nets = networks(config)
    for network in nets.values():
        initialise(network, 1.0 if init == "paper" else 0.0)
    n, h, w = config["batch"], config["height"], config["width"]
    condition = picture((n, config["inChannels"], h, w), pictures, config)
    real = picture((n, config["outChannels"], h, w), pictures, config)
    for _ in train(nets, [(real, condition)] * warm_up, config):
        pass
    tensors = {f"{net}.{k}": v.clone() for net in nets for k, v in nets[net].state_dict().items()}
    return {**tensors, "input.real": real, "input.condition": condition}


def answer(config, given, dtype=torch.float32):
    """What PyTorch makes of a problem: every `expect.` tensor of the format."""
    nets = networks(config)
    for net, network in nets.items():
        network.load_state_dict({k[len(net) + 1 :]: v for k, v in given.items() if k.startswith(f"{net}.")})
        network.to(dtype)
    real, condition = given["input.real"].to(dtype), given["input.condition"].to(dtype)
    expect, curve = {}, {"disc": [], "gen": []}
    for step, (fake, losses, grads) in enumerate(train(nets, [(real, condition)] * config["steps"], config)):
        for net, values in curve.items():
            values.append(losses[net])
        if step > 0:
            continue
        expect["fake"] = fake
        expect.update({f"loss.{k}": v for k, v in losses.items()})
        for net, network in nets.items():
            expect.update({f"grad.{net}.{k}": v for k, v in grads[net].items()})
            expect.update({f"after.{net}.{k}": v.clone() for k, v in network.state_dict().items()})
        with torch.no_grad():
            expect["fake_eval"] = nets["gen"].eval()(condition)
            nets["gen"].train()
    expect.update({f"curve.{net}": torch.cat(values) for net, values in curve.items()})
    return {f"expect.{k}": v if v.dtype == torch.int64 else v.float() for k, v in expect.items()}


def write_safetensors(path, tensors, metadata):
    """Wide elements first and the header padded to eight bytes, so that every tensor lies aligned."""
    names = {
        torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
        torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    }  # fmt: skip
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for key, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        blob = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes()
        header[key] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(length)), bytearray(file.read())
    metadata, dtypes = header.pop("__metadata__", {}), {"I64": torch.int64, "F32": torch.float32, "F16": torch.float16}
    tensors = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        raw = torch.frombuffer(data[start:end], dtype=dtypes[entry["dtype"]])
        tensors[key] = raw.reshape(entry["shape"]).clone()
    return tensors, metadata


def write_fixture(path, config, tensors):
    write_safetensors(path, tensors, {"format": "pixtape-reference", "version": "1", "config": json.dumps(config)})


def compare(a, b):
    """A line for each group: how far the expectations of file `a` are from those of file `b`."""
    groups = {}
    theirs = read_safetensors(b)[0]
    for key, ours in read_safetensors(a)[0].items():
        if not key.startswith("expect.") or ours.dtype != torch.float32:
            continue
        off = ours.double() - theirs[key].double()
        group = ".".join(key.split(".")[1:3]) if "." in key[7:] else key[7:]
        relative = float(off.norm() / (theirs[key].double().norm() + 1e-300))
        groups.setdefault(group, []).append((relative, float(off.abs().max()), key[7:]))
    for group, errors in groups.items():
        relative, _, worst = max(errors)
        print(f"  {group:12} max {max(e[1] for e in errors):.2e}  rel L2 {relative:.2e}  ({worst})")


def main():
    parser = argparse.ArgumentParser(description="Writes reference fixtures with PyTorch.")
    parser.add_argument("folder", nargs="?", help="write the shipped set here")
    parser.add_argument("--config", type=json.loads, help=f"JSON; what it leaves out: {json.dumps(DEFAULTS)}")
    parser.add_argument("--from", dest="source", metavar="FILE", help="take the problem from this fixture")
    parser.add_argument("--out", metavar="FILE")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", choices=["tutorial", "paper"], default="tutorial")
    parser.add_argument("--pictures", choices=["noise", "blocks"], default="noise")
    parser.add_argument("--warm_up", type=int, default=0, metavar="STEPS")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    torch.use_deterministic_algorithms(True)

    if options.compare:
        compare(*options.compare)
    elif options.source and options.out:
        tensors, metadata = read_safetensors(options.source)
        config = completed(json.loads(metadata["config"]))
        given = {k: v for k, v in tensors.items() if not k.startswith("expect.")}
        write_fixture(options.out, config, {**given, **answer(config, given, dtype)})
    elif options.config is not None and options.out:
        unknown = set(options.config) - set(DEFAULTS)
        if unknown:
            parser.error(f"--config: unknown {sorted(unknown)}")
        config = completed(options.config)
        if config["dropout"] != 0:
            parser.error("--config: dropout must be 0; its masks are not PyTorch's")
        given = problem(config, options.seed, options.init, options.pictures, options.warm_up)
        write_fixture(options.out, config, {**given, **answer(config, given, dtype)})
    elif options.folder:
        os.makedirs(options.folder, exist_ok=True)
        write_safetensors(os.path.join(options.folder, "ops.safetensors"), *op_fixtures())
        pictures = op_fixtures(1, picture_ops.cases, picture_ops.forward)
        write_safetensors(os.path.join(options.folder, "picture_ops.safetensors"), *pictures)
        write_safetensors(os.path.join(options.folder, "gan.safetensors"), *gan_fixture())
        for name, (changes, how) in SHIPPED.items():
            config = completed(changes)
            given = problem(config, **how)
            write_fixture(os.path.join(options.folder, f"{name}.safetensors"), config, {**given, **answer(config, given, dtype)})
    else:
        parser.error("give OUT_DIR, or --out FILE with --config or --from, or --compare A B")


if __name__ == "__main__":
    main()
