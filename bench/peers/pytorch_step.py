"""One Pix2Pix training step as a PyTorch user would write it: the tutorial's U-Net and PatchGAN, eager, float32.

The configuration is src/pix2pix/train/config/config.ts's TrainConfig as JSON, so both sides train the same model.
"""

import torch
from torch import nn


def block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1), nn.LeakyReLU(0.2))


def down(channels):
    return nn.Sequential(block(channels, channels * 2), block(channels * 2, channels * 2), nn.MaxPool2d(2))


class Up(nn.Module):
    def __init__(self, channels, rate, shared):
        super().__init__()
        half = channels // 2
        self.grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.narrow = nn.Conv2d(channels, half, 2)
        self.join = nn.Conv2d(channels, half, 3, padding=1)
        self.last = nn.Conv2d(half, half, 2, padding=1)
        self.norm1 = nn.BatchNorm2d(half)
        self.norm2 = self.norm1 if shared else nn.BatchNorm2d(half)
        self.drop = nn.Dropout(rate) if rate > 0 else nn.Identity()

    def forward(self, x, skip):
        x = self.narrow(self.grow(x))
        # The skip is one row and one column larger; its centre begins at the first.
        x = self.join(torch.cat([x, skip[..., : x.shape[-2], : x.shape[-1]]], 1))
        x = torch.relu(self.drop(self.norm1(x)))
        return torch.relu(self.drop(self.norm2(self.last(x))))


class Generator(nn.Module):
    def __init__(self, c):
        super().__init__()
        hidden, depth = c["hidden"], c["depth"]
        drops = (lambda i: i < 3) if c["dropoutAt"] == "output" else (lambda i: i >= depth - 3)
        rates = [c["dropout"] if drops(i) else 0 for i in range(depth)]
        self.first = nn.Conv2d(c["inChannels"], hidden, 1)
        self.downs = nn.ModuleList([down(hidden << i) for i in range(depth)])
        self.ups = nn.ModuleList([Up(hidden << (i + 1), rates[i], c["sharedNorm"]) for i in range(depth)])
        self.final = nn.Conv2d(hidden, c["outChannels"], 1)

    def forward(self, x):
        x = self.first(x)
        skips = []
        for layer in self.downs:
            skips.append(x)
            x = layer(x)
        for layer, skip in zip(reversed(self.ups), reversed(skips)):
            x = layer(x, skip)
        return torch.sigmoid(self.final(x))


def patch_gan(channels, hidden):
    downs = [down(hidden << i) for i in range(4)]
    return nn.Sequential(nn.Conv2d(channels, hidden, 1), *downs, nn.Conv2d(hidden * 16, 1, 1))


class Step:
    def __init__(self, config, device):
        self.config = c = config
        g = c["generator"]
        torch.manual_seed(c["seed"])
        self.gen = Generator(g).to(device)
        self.disc = patch_gan(g["inChannels"] + g["outChannels"], c["discHidden"]).to(device)
        for module in [*self.gen.modules(), *self.disc.modules()]:
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1 if c["init"] == "paper" else 0, 0.02)
        betas = (c["beta1"], c["beta2"])
        self.adam_g = torch.optim.Adam(self.gen.parameters(), lr=c["lr"], betas=betas)
        self.adam_d = torch.optim.Adam(self.disc.parameters(), lr=c["lrDisc"], betas=betas)
        sides = (c["height"], c["width"])
        self.real = torch.rand(c["batch"], g["outChannels"], *sides, device=device)
        self.condition = torch.rand(c["batch"], g["inChannels"], *sides, device=device)

    def sizes(self):
        return {
            name: sum(p.numel() for p in network.parameters())
            for name, network in (("generator", self.gen), ("disc", self.disc))
        }

    def judged(self, picture, target):
        logits = self.disc(torch.cat([picture, self.condition], 1))
        return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    def run(self):
        reuse = self.config["reuseFake"]
        with torch.set_grad_enabled(reuse):
            fake = self.gen(self.condition)
        loss_d = (self.judged(fake.detach(), 0.0) + self.judged(self.real, 1.0)) / 2
        self.adam_d.zero_grad(set_to_none=True)
        loss_d.backward()
        self.adam_d.step()

        if not reuse:
            fake = self.gen(self.condition)
        self.disc.requires_grad_(False)
        loss_g = self.judged(fake, 1.0) + self.config["lambdaL1"] * (fake - self.real).abs().mean()
        self.adam_g.zero_grad(set_to_none=True)
        loss_g.backward()
        self.adam_g.step()
        self.disc.requires_grad_(True)
        return loss_d.item(), loss_g.item()
