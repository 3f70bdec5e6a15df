#!/usr/bin/env python3
"""Writes small files of weights as PyTorch saves them, in every form that people have: test/fixtures/pth.

    python3 tools/pytorch/python/torch_files.py OUT_DIR

`values.safetensors` holds what `values*.pth` must read as. `hostile*.pth` and `object.pth` must be refused: nothing in them
runs until `torch.load` opens them. Needs PyTorch (1.13 or later, with NumPy); see make_fixtures.py.
"""
import argparse
import io
import os
import pickle
import struct
import sys
from collections import OrderedDict

sys.dont_write_bytecode = True
from make_fixtures import write_safetensors  # Looks for a python3 with PyTorch where this one has none.

import numpy
import torch
from torch import nn
from torch_pix2pix import networks

MAGIC = 0x1950A86A20F9469CFC6C  # torch.serialization.MAGIC_NUMBER


def values():
    """A tensor of each type, and of each way to lie in a storage."""
    torch.manual_seed(1)
    grid = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
    tensors = {
        "f64": torch.randn(3, dtype=torch.float64), "f32": torch.randn(2, 3), "f16": torch.randn(5).half(),
        "bf16": torch.randn(5).bfloat16(), "i64": torch.tensor([1, -(2**40)]), "i32": torch.tensor([7, -8]).int(),
        "i16": torch.tensor([300, -300]).short(), "i8": torch.tensor([1, -2, 3]).char(),
        "u8": torch.tensor([0, 255, 3]).byte(), "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
        "transposed": grid.t(), "columns": grid[:, 1::2], "rest": grid.flatten()[5:], "shared": grid,
        "reversed_axes": torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
    }  # fmt: skip
    return OrderedDict(tensors, parameter=nn.Parameter(torch.randn(2, 2)))


class Python2Pickler(pickle._Pickler):
    """Texts as Python 2 wrote them: bytes with their length."""

    def save_str(self, text):
        data = text.encode("latin-1")
        head = pickle.SHORT_BINSTRING + bytes([len(data)])
        self.write((head if len(data) < 256 else pickle.BINSTRING + struct.pack("<i", len(data))) + data)
        self.memoize(text)

    dispatch = {**pickle._Pickler.dispatch, str: save_str}


class Python2:
    """What `torch.save` wants of a module `pickle`."""

    Pickler = Python2Pickler

    @staticmethod
    def dump(value, file, protocol):
        Python2Pickler(file, protocol).dump(value)


class View:
    """A tensor over a part of a storage, as PyTorch up to 1.11 saved views of storages."""

    def __init__(self, key, elements, view, shape):
        self.key, self.elements, self.view, self.shape = key, elements, view, shape

    def __reduce__(self):
        return torch._utils._rebuild_tensor, (self.View(self), 0, self.shape, (1,))

    class View:
        def __init__(self, owner):
            self.pid = ("storage", torch.FloatStorage, owner.key, "cpu", owner.elements, owner.view)


class ViewPickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.pid if isinstance(value, View.View) else None


def legacy(path, root, storages, pickler=ViewPickler):
    """The form without zip: five pickles, then each storage with its count of elements."""
    with open(path, "wb") as file:
        for value in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}):
            pickle.dump(value, file, protocol=2)
        pickler(file, protocol=2).dump(root)
        pickle.dump(sorted(storages), file, protocol=2)
        for key in sorted(storages):
            file.write(struct.pack("<q", len(storages[key])) + numpy.asarray(storages[key], "<f4").tobytes())


class Call:
    """Asks the reader to call a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class ResnetGenerator(nn.Module):
    """Names and shapes of the widely used implementation's resnet_Nblocks, `use_bias` as with batch norm."""

    def __init__(self, hidden, blocks):
        super().__init__()
        down = [[nn.Conv2d(hidden * k, hidden * 2 * k, 3, 2, 1, bias=False), nn.BatchNorm2d(hidden * 2 * k), nn.ReLU()]
                for k in (1, 2)]  # fmt: skip
        up = [[nn.ConvTranspose2d(hidden * 2 * k, hidden * k, 3, 2, 1, 1, bias=False), nn.BatchNorm2d(hidden * k),
               nn.ReLU()] for k in (2, 1)]  # fmt: skip
        first = [nn.ReflectionPad2d(3), nn.Conv2d(3, hidden, 7, bias=False), nn.BatchNorm2d(hidden), nn.ReLU()]
        last = [nn.ReflectionPad2d(3), nn.Conv2d(hidden, 3, 7), nn.Tanh()]
        middle = [self.Block(4 * hidden) for _ in range(blocks)]
        self.model = nn.Sequential(*first, *sum(down, []), *middle, *sum(up, []), *last)

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            conv = lambda: nn.Conv2d(width, width, 3, bias=False)
            pad = nn.ReflectionPad2d(1)
            self.conv_block = nn.Sequential(pad, conv(), nn.BatchNorm2d(width), nn.ReLU(), nn.Dropout(0.5), pad, conv(),
                                            nn.BatchNorm2d(width))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT_DIR")
    out = parser.parse_args().out
    os.makedirs(out, exist_ok=True)
    place = lambda name: os.path.join(out, name)

    tensors = values()
    plain = {name: value.detach().contiguous() for name, value in tensors.items()}
    write_safetensors(place("values.safetensors"), plain, {})
    torch.save(tensors, place("values.pth"))
    torch.save(tensors, place("values-protocol4.pth"), pickle_protocol=4)
    torch.save(tensors, place("values-legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save(tensors, place("values-legacy-python2.pth"), _use_new_zipfile_serialization=False, pickle_module=Python2)

    config = {"inChannels": 3, "outChannels": 3, "hidden": 1, "discHidden": 1, "depth": 5, "netG": "unet_32", "netD": "basic"}
    torch.manual_seed(2)
    nets = networks({**config, "norm": "batch"})
    weights = nets["gen"].state_dict()
    write_safetensors(place("latest_net_G.safetensors"), weights, {})
    torch.save(weights, place("latest_net_G.pth"))
    torch.save(nets["disc"].state_dict(), place("latest_net_D.pth"))
    torch.save(ResnetGenerator(1, 2).state_dict(), place("resnet.pth"))
    # A whole training's state, with much beside the weights, as Lightning and people's own loops save it.
    optimizer = torch.optim.Adam(nets["disc"].parameters())
    sum(p.sum() for p in nets["disc"].parameters()).backward()
    optimizer.step()
    halves = {f"module._orig_mod.{name}": v.bfloat16() if v.is_floating_point() else v for name, v in weights.items()}
    opt = argparse.Namespace(name="facades", gpu_ids=[0])
    torch.save({
        "epoch": 5, "opt": opt, "best": numpy.float64(0.25), "history": [0.5, 0.25], "when": {1, 2},
        "model": {"state_dict": {"netG": halves, "netD": nets["disc"].state_dict()}},
        "optimizer_states": [optimizer.state_dict()],
    }, place("training.pth"))  # fmt: skip

    views = {"left": View("0", 6, ("1", 0, 4), (4,)), "right": View("0", 6, ("2", 4, 2), (2,))}
    legacy(place("views-legacy.pth"), views, {"0": numpy.arange(6) / 4})

    torch.save({"weights": torch.zeros(1), "x": Call(os.system, "echo this must not run")}, place("hostile.pth"))
    torch.save({"x": Call(eval, "1 + 1")}, place("hostile-legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save({"x": torch.zeros(1).expand(1000, 1000, 1000)}, place("repeated.pth"))
    torch.save(nn.Conv2d(1, 1, 1), place("object.pth"))
    torch.jit.save(torch.jit.script(nn.Conv2d(1, 1, 1)), place("script.pt"))
    with open(place("plain.pkl"), "wb") as file:
        pickle.dump({"a": [1.5, 2]}, file)
    with open(place("numbers.npz"), "wb") as file:
        numpy.savez(file, a=numpy.arange(3))


if __name__ == "__main__":
    main()
