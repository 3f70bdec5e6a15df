#!/usr/bin/env python3
"""Paints in PyTorch with what `pixtape export` wrote: the weights load by name, nothing is renamed.

    python3 tools/pytorch/python/torch_generator.py EXPORTED.safetensors CONDITION.safetensors PICTURE.safetensors

CONDITION holds the tensor `condition`, (batch, channels, height, width) with values from 0 to 1; PICTURE gets `picture`.
"""
import json
import sys

sys.dont_write_bytecode = True
from make_fixtures import read_safetensors, write_safetensors
from torch_pix2pix import Generator, Norms, ResizeUnet, Unet

import torch  # only now: make_fixtures goes on in a python3 that has it


def load(path):
    """The generator in evaluation mode, and whether its values go from -1 to 1 instead of from 0."""
    tensors, metadata = read_safetensors(path)
    config = json.loads(metadata["config"])
    sizes = config["generator"]
    cin, cout, hidden, depth = (sizes[k] for k in ("inChannels", "outChannels", "hidden", "depth"))
    unets = {"unet": Unet, "resize_unet": ResizeUnet}
    unet = config["netG"] in unets
    if unet:
        generator = unets[config["netG"]](cin, cout, hidden, depth, Norms(config["norm"]))
    else:
        generator = Generator(cin, cout, hidden, depth, sizes["sharedNorm"])
    # strict: a name or a shape that does not fit is an error
    generator.load_state_dict(tensors, strict=True)
    return generator.eval(), unet


def main():
    exported, source, target = sys.argv[1:]
    generator, symmetric = load(exported)
    condition = read_safetensors(source)[0]["condition"]
    with torch.no_grad():
        picture = (generator(2 * condition - 1) + 1) / 2 if symmetric else generator(condition)
    write_safetensors(target, {"picture": picture}, {})


if __name__ == "__main__":
    main()
