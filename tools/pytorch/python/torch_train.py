#!/usr/bin/env python3
"""Trains a Pix2Pix in PyTorch from the weights, the pictures, their order and the learning rates of one of our runs.

    python3 tools/pytorch/python/torch_train.py PROBLEM.safetensors TRAINED.safetensors
    python3 tools/pytorch/python/torch_train.py --version      PyTorch's version; fails where no python3 has it

`npm run results -- pytorch` writes PROBLEM (tools/results/pytorch/problem.ts): the state of both networks (`gen.*`,
`disc.*`), the distinct pairs (`pairs.real`, `pairs.condition`, NCHW in the generator's range), the pairs of each step
(`order`, steps × batch) and its learning rates (`rates.gen`, `rates.disc`). TRAINED gets both networks after the last step
and the losses of all steps (`curve.*`).
"""
import json
import sys

sys.dont_write_bytecode = True
from make_fixtures import read_safetensors, write_safetensors
from torch_pix2pix import networks, train

import torch  # only now: make_fixtures goes on in a python3 that has it


def batches(given, nets):
    """Real pictures, conditions and rates of each step, in order."""
    for step, rows in enumerate(given["order"]):
        rates = {net: float(given[f"rates.{net}"][step]) for net in nets}
        yield given["pairs.real"][rows], given["pairs.condition"][rows], rates


def main():
    if sys.argv[1:] == ["--version"]:
        return print(torch.__version__)
    source, target = sys.argv[1:]
    given, metadata = read_safetensors(source)
    config = json.loads(metadata["config"])
    torch.use_deterministic_algorithms(True)
    nets = networks(config)
    for net, network in nets.items():
        # strict: a name or a shape that does not fit is an error
        network.load_state_dict({k[len(net) + 1 :]: v for k, v in given.items() if k.startswith(f"{net}.")}, strict=True)
    curves = {}
    steps = len(given["order"])
    for step, (_, losses, _) in enumerate(train(nets, batches(given, nets), config), 1):
        for name, value in losses.items():
            curves.setdefault(f"curve.{name}", []).append(value)
        if step % 100 == 0 or step == steps:
            print(f"step {step} of {steps}: " + ", ".join(f"{k} {float(v):.4f}" for k, v in losses.items()), flush=True)
    state = {f"{net}.{k}": v for net, network in nets.items() for k, v in network.state_dict().items()}
    write_safetensors(target, {**state, **{k: torch.cat(v) for k, v in curves.items()}}, {"torch": torch.__version__})


if __name__ == "__main__":
    main()
