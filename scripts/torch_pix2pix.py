"""The tutorial's Pix2Pix in PyTorch, with the tutorial's names, and its training step. Without dropout: its masks cannot
be drawn again elsewhere."""
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
    """One batch norm, used after conv2 and again after conv3."""

    def __init__(self, c):
        super().__init__()
        half = c // 2
        self.conv1 = nn.Conv2d(c, half, 2)
        self.conv2 = nn.Conv2d(c, half, 3, padding=1)
        self.conv3 = nn.Conv2d(half, half, 2, padding=1)
        self.batchnorm = nn.BatchNorm2d(half)

    def forward(self, x, skip):
        x = self.conv1(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))
        # One row and one column too many: the centre rounds to the first.
        joined = torch.cat([x, skip[:, :, : x.shape[2], : x.shape[3]]], 1)
        x = F.relu(self.batchnorm(self.conv2(joined)))
        return F.relu(self.batchnorm(self.conv3(x)))


class Generator(nn.Module):
    def __init__(self, cin, cout, hidden, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, hidden, 1)
        self.conv_final = nn.Conv2d(hidden, cout, 1)
        self.contracting_layers = nn.ModuleList(DownSampleConv(hidden * 2**i) for i in range(depth))
        self.expanding_layers = nn.ModuleList(UpSampleConv(hidden * 2 ** (i + 1)) for i in range(depth))

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


def networks(config):
    cin, cout = config["inChannels"], config["outChannels"]
    return {
        "gen": Generator(cin, cout, config["hidden"], config["depth"]),
        "disc": PatchGAN(cin + cout, config["discHidden"]),
    }


def initialise(network, norm_mean):
    """Convolution biases keep PyTorch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, norm_mean, 0.02)
            nn.init.zeros_(module.bias)


def train(nets, real, condition, config, steps):
    """The training steps in order, after each of which it yields what a caller may want of that step."""
    gen, disc = nets["gen"].train(), nets["disc"].train()
    optim = {net: torch.optim.Adam(nets[net].parameters(), lr=config["lr"]) for net in nets}

    def bce(logits, target):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    def update(net, loss):
        nets[net].zero_grad()
        loss.backward()
        grads = {name: p.grad.clone() for name, p in nets[net].named_parameters()}
        optim[net].step()
        return grads

    for _ in range(steps):
        fake = gen(condition).detach()
        fake_logits, real_logits = disc(fake, condition), disc(real, condition)
        loss_disc = (bce(real_logits, 1.0) + bce(fake_logits, 0.0)) / 2
        grads = {"disc": update("disc", loss_disc)}

        fake = gen(condition)
        adv, l1 = bce(disc(fake, condition), 1.0), F.l1_loss(fake, real)
        loss_gen = adv + config["lambda"] * l1
        grads["gen"] = update("gen", loss_gen)
        losses = {"disc": loss_disc, "gen": loss_gen, "adv": adv, "l1": l1}
        yield fake.detach(), {k: v.detach().reshape(1) for k, v in losses.items()}, grads
