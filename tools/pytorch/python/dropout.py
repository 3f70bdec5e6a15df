"""Dropout with the masks of our engine, so that PyTorch drops the same elements: shaders/random/dropout.wgsl in NumPy.

A mask depends on the seed, the step, the layer's number within the step, and the element's number (NCHW). Random numbers are
Philox4x32-10's (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
"""
import numpy as np
import torch
from torch import nn

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def philox(counter, key):
    """Ten rounds over four arrays of 32-bit words, held in uint64; the key is two words."""
    x, y, z, w = counter
    key = [np.uint64(word) for word in key]
    for _ in range(10):
        a, b = x * np.uint64(0xD2511F53), z * np.uint64(0xCD9E8D57)
        x, y, z, w = (b >> HALF) ^ y ^ key[0], b & WORD, (a >> HALF) ^ w ^ key[1], a & WORD
        key = [(key[0] + np.uint64(0x9E3779B9)) & WORD, (key[1] + np.uint64(0xBB67AE85)) & WORD]
    return x, y, z, w


class Masks:
    """The masks of one training step after another. `begin` starts a step; each call of `next` is a layer of it."""

    def begin(self, seed, step):
        self.seed, self.step, self.layer = seed, step, 0

    def next(self, n, rate):
        """Which of n elements stay."""
        # Four elements a quarter of the array apart take the four words of one block.
        blocks = np.arange((n + 3) // 4, dtype=np.uint64)
        rest = [np.full_like(blocks, word) for word in (self.layer, self.step & 0xFFFFFFFF, self.step >> 32)]
        random = np.concatenate(philox([blocks, *rest], (self.seed & 0xFFFFFFFF, self.seed >> 32)))[:n]
        self.layer += 1
        return random >= np.uint64(min(round(rate * 2**32), 2**32 - 1))


masks = Masks()


class Dropout(nn.Module):
    """In place of nn.Dropout; `masks.begin` must have been called for the step. Does nothing in evaluation mode."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        kept = torch.from_numpy(masks.next(x.numel(), self.rate)).reshape(x.shape)
        return torch.where(kept, x / (1 - self.rate), torch.zeros((), dtype=x.dtype))
