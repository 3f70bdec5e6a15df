"""Pix2Pix in PyTorch, and its training step: the tutorial's networks with the tutorial's names, and the paper's networks with
the names of the widely used implementation. Without dropout: its masks cannot be drawn again elsewhere."""
import torch
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

    def __init__(self, c, shared_norm=True):
        super().__init__()
        half = c // 2
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
        x = F.relu(self.batchnorm(self.conv2(joined)))
        return F.relu(getattr(self, "batchnorm2", self.batchnorm)(self.conv3(x)))


class Generator(nn.Module):
    def __init__(self, cin, cout, hidden, depth, shared_norm=True):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, hidden, 1)
        self.conv_final = nn.Conv2d(hidden, cout, 1)
        self.contracting_layers = nn.ModuleList(DownSampleConv(hidden * 2**i) for i in range(depth))
        self.expanding_layers = nn.ModuleList(UpSampleConv(hidden * 2 ** (i + 1), shared_norm) for i in range(depth))

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

    def forward(self, picture, condition):
        x = self.conv1(torch.cat([picture, condition], 1))
        for i in range(4):
            x = getattr(self, f"contract{i + 1}")(x)
        return self.final(x)


class Norms:
    """What `norm` stands for: a layer for so many channels, and whether the convolutions before it have a bias."""

    def __init__(self, name):
        kinds = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": lambda channels: nn.Identity()}
        self.layer = kinds[name]
        self.bias = name == "instance"


class UnetLevel(nn.Module):
    """Halves, goes through the levels below, doubles; gives that beside its input, but for the outermost. The leaky ReLU at
    its beginning works in place, so what goes on beside the answer has been through it."""

    def __init__(self, outside, inside, below, norms, cin=None):
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
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    def __init__(self, cin, cout, hidden, downs, norms):
        super().__init__()
        widths = [hidden * min(2**i, 8) for i in range(downs)]
        level = None
        for i in range(downs - 1, 0, -1):
            level = UnetLevel(widths[i - 1], widths[i], level, norms)
        self.model = UnetLevel(cout, hidden, level, norms, cin)

    def forward(self, condition):
        return self.model(condition)


class BasicDiscriminator(nn.Module):
    """Three halvings, then two convolutions that keep the size but for their border."""

    def __init__(self, cin, hidden, norms):
        super().__init__()
        layers, c = [nn.Conv2d(cin, hidden, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)], hidden
        for stride in (2, 2, 1):
            layers += [nn.Conv2d(c, 2 * c, 4, stride, 1, bias=norms.bias), norms.layer(2 * c), nn.LeakyReLU(0.2, True)]
            c *= 2
        self.model = nn.Sequential(*layers, nn.Conv2d(c, 1, 4, stride=1, padding=1))

    def forward(self, picture, condition):
        return self.model(torch.cat([condition, picture], 1))


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

    def forward(self, picture, condition):
        return self.net(torch.cat([condition, picture], 1))


def networks(config):
    cin, cout = config["inChannels"], config["outChannels"]
    norms, hidden, disc = Norms(config["norm"]), config["hidden"], config["discHidden"]
    if config["netG"] == "tutorial":
        gen = Generator(cin, cout, hidden, config["depth"])
    else:
        gen = Unet(cin, cout, hidden, config["depth"], norms)
    kinds = {"basic": BasicDiscriminator, "pixel": PixelDiscriminator}
    netD = config["netD"]
    return {"gen": gen, "disc": PatchGAN(cin + cout, disc) if netD == "tutorial" else kinds[netD](cin + cout, disc, norms)}


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


def train(nets, real, condition, config, steps):
    """The training steps in order, after each of which it yields what a caller may want of that step."""
    gen, disc = nets["gen"].train(), nets["disc"].train()
    betas = (config["beta1"], config["beta2"])
    optim = {net: torch.optim.Adam(nets[net].parameters(), lr=config["lr"], betas=betas) for net in nets}

    def judge(answers, target):
        loss = {"vanilla": F.binary_cross_entropy_with_logits, "lsgan": F.mse_loss}[config["ganMode"]]
        return loss(answers, torch.full_like(answers, target))

    def update(net, loss):
        nets[net].zero_grad()
        loss.backward()
        grads = {name: p.grad.clone() for name, p in nets[net].named_parameters()}
        optim[net].step()
        return grads

    for _ in range(steps):
        fake = gen(condition)
        fake_logits, real_logits = disc(fake.detach(), condition), disc(real, condition)
        loss_disc = (judge(real_logits, 1.0) + judge(fake_logits, 0.0)) / 2
        grads = {"disc": update("disc", loss_disc)}

        if not config["reuseFake"]:
            fake = gen(condition)
        adv, l1 = judge(disc(fake, condition), 1.0), F.l1_loss(fake, real)
        loss_gen = adv + config["lambda"] * l1
        grads["gen"] = update("gen", loss_gen)
        losses = {"disc": loss_disc, "gen": loss_gen, "adv": adv, "l1": l1}
        yield fake.detach(), {k: v.detach().reshape(1) for k, v in losses.items()}, grads
