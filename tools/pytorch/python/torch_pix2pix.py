"""Pix2Pix in PyTorch, and its training step: the tutorial's networks with the tutorial's names, and the paper's networks with
the names of the widely used implementation. Dropout has our masks."""
import copy

import torch
from dropout import Dropout, masks
from torch import nn
from torch.nn import functional as F


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)

    def forward(self, x):
        return F.leaky_relu(self.conv1(x), 0.2)


class DownSampleConv(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv_block1 = ConvBlock(c, 2 * c)
        self.conv_block2 = ConvBlock(2 * c, 2 * c)

    def forward(self, x):
        return F.max_pool2d(self.conv_block2(self.conv_block1(x)), 2)


class UpSampleConv(nn.Module):
    """One batch norm, used after conv2 and again after conv3; or, not shared, one for each."""

    def __init__(self, c, shared_norm=True, dropout=0.0):
        super().__init__()
        half = c // 2
        self.dropout = Dropout(dropout)
        self.conv1 = nn.Conv2d(c, half, 2)
        self.conv2 = nn.Conv2d(c, half, 3, padding=1)
        self.conv3 = nn.Conv2d(half, half, 2, padding=1)
        self.batchnorm = nn.BatchNorm2d(half)
        if not shared_norm:
            self.batchnorm2 = nn.BatchNorm2d(half)

    def forward(self, x, skip):
        x = self.conv1(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
        # One row and one column too many: the centre rounds to the first.
        joined = torch.cat([x, skip[:, :, : x.shape[2], : x.shape[3]]], 1)
        x = F.relu(self.dropout(self.batchnorm(self.conv2(joined))))
        return F.relu(self.dropout(getattr(self, "batchnorm2", self.batchnorm)(self.conv3(x))))


class Generator(nn.Module):
    """Dropout is in the three expanding layers nearest the picture (`at` "output") or in the three deepest ("inner")."""

    def __init__(self, cin, cout, hidden, depth, shared_norm=True, dropout=0.0, at="output"):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, hidden, 1)
        self.conv_final = nn.Conv2d(hidden, cout, 1)
        self.contracting_layers = nn.ModuleList(DownSampleConv(hidden * 2**i) for i in range(depth))
        rates = [dropout if (i < 3 if at == "output" else i >= depth - 3) else 0.0 for i in range(depth)]
        self.expanding_layers = nn.ModuleList(
            UpSampleConv(hidden * 2 ** (i + 1), shared_norm, rates[i]) for i in range(depth)
        )

    def forward(self, condition):
        xs = [self.conv1(condition)]
        for layer in self.contracting_layers:
            xs.append(layer(xs[-1]))
        x = xs.pop()
        for layer in reversed(self.expanding_layers):
            x = layer(x, xs.pop())
        return torch.sigmoid(self.conv_final(x))


class PatchGAN(nn.Module):
    def __init__(self, cin, hidden):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, hidden, 1)
        for i in range(4):
            self.add_module(f"contract{i + 1}", DownSampleConv(hidden * 2**i))
        self.final = nn.Conv2d(hidden * 16, 1, 1)

    def forward(self, *pictures):
        x = self.conv1(torch.cat(pictures, 1))
        for i in range(4):
            x = getattr(self, f"contract{i + 1}")(x)
        return self.final(x)


class Norms:
    """What `norm` stands for: a layer for so many channels, and whether the convolutions before it have a bias."""

    def __init__(self, name):
        kinds = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": lambda channels: nn.Identity()}
        self.layer = kinds[name]
        self.bias = name == "instance"
        self.none = name == "none"


class UnetLevel(nn.Module):
    """Halves, goes through the levels below, doubles; gives that beside its input, but for the outermost. The leaky ReLU at
    its beginning works in place, so what goes on beside the answer has been through it."""

    def __init__(self, outside, inside, below, norms, cin=None, dropout=0.0):
        super().__init__()
        self.outermost = cin is not None
        down = nn.Conv2d(outside if cin is None else cin, inside, 4, stride=2, padding=1, bias=norms.bias)
        up = nn.ConvTranspose2d(
            inside if below is None else 2 * inside, outside, 4, stride=2, padding=1, bias=norms.bias or self.outermost
        )
        if self.outermost:
            layers = [down, below, nn.ReLU(True), up, nn.Tanh()]
        elif below is None:
            layers = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, norms.layer(outside)]
        else:
            layers = [nn.LeakyReLU(0.2, True), down, norms.layer(inside), below, nn.ReLU(True), up, norms.layer(outside)]
        self.model = nn.Sequential(*layers, *([Dropout(dropout)] if dropout > 0 else []))

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    """Dropout is in the levels of full width on both sides, except the innermost."""

    def __init__(self, cin, cout, hidden, downs, norms, dropout=0.0):
        super().__init__()
        widths = [hidden * min(2**i, 8) for i in range(downs)]
        level = None
        for i in range(downs - 1, 0, -1):
            drops = level is not None and i > 3
            level = UnetLevel(widths[i - 1], widths[i], level, norms, dropout=dropout if drops else 0.0)
        self.model = UnetLevel(cout, hidden, level, norms, cin)

    def forward(self, condition):
        return self.model(condition)


class Stage(nn.Module):
    """Convolution, norm and leaky ReLU. A convolution before a norm has no bias."""

    def __init__(self, cin, cout, kernel, stride, slope, norm):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, padding=1, bias=norm is None)
        self.slope = slope
        if norm is not None:
            self.norm = norm(cout)

    def forward(self, x):
        y = self.conv(x)
        return F.leaky_relu(self.norm(y) if hasattr(self, "norm") else y, self.slope)


class ResizeUnet(nn.Module):
    """Halves by convolutions of stride 2; on the way up it convolves, doubles bilinearly, and puts the skip behind."""

    def __init__(self, cin, cout, hidden, downs, norms, dropout=0.0):
        super().__init__()
        layer = None if norms.none else norms.layer
        widths = [hidden * min(2**i, 4) for i in range(downs)]
        last = downs - 1
        self.down = nn.ModuleList(
            Stage(widths[i - 1] if i else cin, widths[i], 4, 2, 0.2, layer if 0 < i < last else None) for i in range(downs)
        )
        self.up = nn.ModuleList(
            Stage(widths[i] * (2 if i < last else 1), widths[max(i - 1, 0)], 3, 1, 0.0, layer if i < last else None)
            for i in range(downs)
        )
        self.dropout = [Dropout(dropout if i >= downs - 3 else 0.0) for i in range(downs)]
        self.full = Stage(hidden + cin, hidden, 3, 1, 0.0, layer)
        self.last = nn.Conv2d(hidden, cout, 3, padding=1)

    def forward(self, condition):
        xs = [condition]
        for stage in self.down:
            xs.append(stage(xs[-1]))
        x = xs.pop()
        for stage, dropout in zip(reversed(self.up), reversed(self.dropout)):
            larger = F.interpolate(dropout(stage(x)), scale_factor=2, mode="bilinear", align_corners=False)
            x = torch.cat([larger, xs.pop()], 1)
        return torch.tanh(self.last(self.full(x)))


class BasicDiscriminator(nn.Module):
    """Three halvings, then two convolutions that keep the size but for their border."""

    def __init__(self, cin, hidden, norms):
        super().__init__()
        layers, c = [nn.Conv2d(cin, hidden, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)], hidden
        for stride in (2, 2, 1):
            layers += [nn.Conv2d(c, 2 * c, 4, stride, 1, bias=norms.bias), norms.layer(2 * c), nn.LeakyReLU(0.2, True)]
            c *= 2
        self.model = nn.Sequential(*layers, nn.Conv2d(c, 1, 4, stride=1, padding=1))

    def forward(self, *pictures):
        return self.model(torch.cat(pictures[::-1], 1))


class PixelDiscriminator(nn.Module):
    def __init__(self, cin, hidden, norms):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(cin, hidden, 1),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(hidden, 2 * hidden, 1, bias=norms.bias),
            norms.layer(2 * hidden),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(2 * hidden, 1, 1, bias=norms.bias),
        )

    def forward(self, *pictures):
        return self.net(torch.cat(pictures[::-1], 1))


def networks(config):
    cin, cout = config["inChannels"], config["outChannels"]
    norms, hidden, disc = Norms(config["norm"]), config["hidden"], config["discHidden"]
    dropout = config.get("dropout", 0.0)
    if config["netG"] == "tutorial":
        shared, at = config.get("sharedNorm", True), config.get("dropoutAt", "output")
        gen = Generator(cin, cout, hidden, config["depth"], shared, dropout, at)
    else:
        kind = ResizeUnet if config["netG"].startswith("resize_unet") else Unet
        gen = kind(cin, cout, hidden, config["depth"], norms, dropout)
    if config.get("ganMode") == "none":
        return {"gen": gen}
    kinds = {"basic": BasicDiscriminator, "pixel": PixelDiscriminator}
    netD, seen = config["netD"], cin + cout if config.get("discConditional", True) else cout
    return {"gen": gen, "disc": PatchGAN(seen, disc) if netD == "tutorial" else kinds[netD](seen, disc, norms)}


def initialise(network, norm_mean):
    """Convolution biases keep PyTorch's default in the tutorial's networks and are 0 in the paper's, as in their code."""
    tutorial = isinstance(network, (Generator, PatchGAN))
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None and not tutorial:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, norm_mean, 0.02)
            nn.init.zeros_(module.bias)


def train(nets, batches, config):
    """The training steps in order, one for each batch, after each of which it yields what a caller may want of that step.

    A batch is (real, condition) or (real, condition, rates); rates holds the learning rate of each network in that step.
    Without a discriminator there is the L1 term alone. With `ranks` in the configuration each batch is divided into so many
    parts, each for networks of its own, as DistributedDataParallel does it: batch norm takes the statistics of the own part,
    and gradients are averaged. `nets` are rank 0's. Dropout's masks are for whole batches only.
    """
    ranks = config.get("ranks", 1)
    each = [nets, *(copy.deepcopy(nets) for _ in range(ranks - 1))]
    betas = (config["beta1"], config["beta2"])
    optims = [
        {net: torch.optim.Adam(own[net].train().parameters(), lr=config["lr"], betas=betas) for net in own} for own in each
    ]
    conditional = config.get("discConditional", True)

    def judge(disc, picture, condition, target):
        answers = disc(picture, condition) if conditional else disc(picture)
        loss = {"vanilla": F.binary_cross_entropy_with_logits, "lsgan": F.mse_loss}[config["ganMode"]]
        return loss(answers, torch.full_like(answers, target))

    def update(net, losses):
        for own, loss in zip(each, losses):
            own[net].zero_grad()
            loss.backward()
        if ranks > 1:
            for same in zip(*(own[net].parameters() for own in each)):
                average = torch.stack([p.grad for p in same]).mean(0)
                for p in same:
                    p.grad.copy_(average)
        grads = {name: p.grad.clone() for name, p in nets[net].named_parameters()}
        for optim in optims:
            optim[net].step()
        return grads

    def mean(values):
        return torch.stack([v.detach().reshape(1) for v in values]).mean(0)

    for step, (real, condition, *rates) in enumerate(batches):
        masks.begin(config.get("seed", 0), step)
        for optim in optims:
            for net, rate in rates[0].items() if rates else ():
                optim[net].param_groups[0]["lr"] = rate
        parts = list(zip(each, real.chunk(ranks), condition.chunk(ranks)))
        fakes = [own["gen"](c) for own, _, c in parts]
        losses, grads = {}, {}
        if "disc" in nets:
            fake_losses = [judge(own["disc"], fake.detach(), c, 0.0) for fake, (own, _, c) in zip(fakes, parts)]
            losses["disc"] = [(judge(own["disc"], r, c, 1.0) + of) / 2 for of, (own, r, c) in zip(fake_losses, parts)]
            grads["disc"] = update("disc", losses["disc"])
            if not config["reuseFake"]:
                fakes = [own["gen"](c) for own, _, c in parts]
            losses["adv"] = [judge(own["disc"], fake, c, 1.0) for fake, (own, _, c) in zip(fakes, parts)]
        losses["l1"] = [F.l1_loss(fake, r) for fake, (_, r, _) in zip(fakes, parts)]
        adv = losses.get("adv", [0] * ranks)
        losses["gen"] = [a + config["lambda"] * l1 for a, l1 in zip(adv, losses["l1"])]
        grads["gen"] = update("gen", losses["gen"])
        yield torch.cat([fake.detach() for fake in fakes]), {k: mean(v) for k, v in losses.items()}, grads
