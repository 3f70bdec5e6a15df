"""PyTorch's side of the bench: reads a line of JSON, does what it says, answers with a line of JSON.

usage: python3 bench/peers/pytorch.py THREADS cpu|gpu     (bench/peers/pytorch.ts starts it)

  {"do": "version"}                                     -> {"version"}
  {"do": "load", "folder", "batch", "inC", ...}         reads x, w and r (raw float32) from the folder
  {"do": "forward" | "both", "times"}                   -> {"ms"} of all the runs; `both` reads the loss each time
  {"do": "answer", "folder"}                            writes y, dx and dw into the folder
  {"do": "open step", "config"}                         -> {"generator", "disc"}: parameters of a Pix2Pix of ours
  {"do": "step", "times"}                               -> {"ms"} of that many training steps
"""

import json
import os
import sys
import time
from array import array

import torch
import torch.nn.functional as F


def sync():
    if device == "cuda":
        torch.cuda.synchronize()


class Conv:
    """One convolution problem: y = conv(x, w), loss = sum(y * r)."""

    def __init__(self, ask):
        out = ask["side"] + 2 * ask["padding"] - ask["kernel"] + 1
        n, c, o, k = ask["batch"], ask["inC"], ask["outC"], ask["kernel"]
        self.padding = ask["padding"]
        self.x = self.read(ask, "x", (n, c, ask["side"], ask["side"])).requires_grad_()
        self.w = self.read(ask, "w", (o, c, k, k)).requires_grad_()
        self.r = self.read(ask, "r", (n, o, out, out))

    def read(self, ask, name, shape):
        with open(os.path.join(ask["folder"], name), "rb") as file:
            values = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
        return values.reshape(shape).to(device)

    def forward(self):
        with torch.no_grad():
            return F.conv2d(self.x, self.w, padding=self.padding)

    def both(self):
        loss = (F.conv2d(self.x, self.w, padding=self.padding) * self.r).sum()
        grads = torch.autograd.grad(loss, [self.x, self.w])
        loss.item()
        return grads

    def answer(self, folder):
        for name, tensor in zip(("y", "dx", "dw"), (self.forward(), *self.both())):
            with open(os.path.join(folder, name), "wb") as file:
                array("f", tensor.detach().flatten().tolist()).tofile(file)


def timed(work, times):
    sync()
    start = time.perf_counter()
    for _ in range(times):
        work()
    sync()
    return {"ms": (time.perf_counter() - start) * 1000}


def reply(ask):
    global conv, step
    what = ask["do"]
    if what == "version":
        where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
        return {"version": f"torch {torch.__version__}, {where}"}
    if what == "load":
        conv = Conv(ask)
    elif what in ("forward", "both"):
        return timed(getattr(conv, what), ask["times"])
    elif what == "answer":
        conv.answer(ask["folder"])
    elif what == "open step":
        from pytorch_step import Step

        conv = None
        step = Step(ask["config"], device)
        return step.sizes()
    elif what == "step":
        return timed(step.run, ask["times"])
    else:
        raise ValueError(f"cannot do {what!r}")
    return {}


conv = step = None
threads, kind = sys.argv[1:]
torch.set_num_threads(int(threads))
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
device = "cuda" if kind == "gpu" and torch.cuda.is_available() else "cpu"
for line in sys.stdin:
    try:
        answer = reply(json.loads(line))
    except Exception as error:  # told to the bench, which prints it beside the row
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
