"""A small class-conditional DCGAN and what PyTorch makes of its first training steps: gan.safetensors.

`make_fixtures.py OUT_DIR` writes it. Metadata: format pixtape-gan, version 1, config. Tensors: `gen.*` and `disc.*` before
the first step, for each step n (from 0) `n.pictures` (in [-1, 1]), `n.noise`, `n.labels` and `n.wrong` (numbers of classes),
and as PyTorch's answer `n.losses` (discriminator, generator, mean answers to real pictures and to fakes), `after.gen.*` and
`after.disc.*`.
"""
import json

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {"side": 16, "nz": 5, "ngf": 3, "ndf": 4, "classes": 3, "batch": 4, "lr": 0.002, "lrDisc": 0.001, "beta1": 0.5,
          "beta2": 0.999, "realTarget": 0.9, "steps": 3}  # fmt: skip


def networks(side, nz, ngf, ndf, classes, **_):
    """Layers as in PyTorch's DCGAN tutorial, so that their names are `main.0.weight` and so on."""
    sizes = [2**i for i in range(side.bit_length() - 3)]
    gen, cin = [], nz + classes
    for i, factor in enumerate(reversed(sizes)):
        gen += [nn.ConvTranspose2d(cin, ngf * factor, 4, *((1, 0) if i == 0 else (2, 1)), bias=False)]
        gen += [nn.BatchNorm2d(ngf * factor), nn.ReLU()]
        cin = ngf * factor
    gen += [nn.ConvTranspose2d(cin, 3, 4, 2, 1, bias=False), nn.Tanh()]
    disc = [nn.Conv2d(3 + classes, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for factor in sizes[1:]:
        disc += [nn.Conv2d(ndf * factor // 2, ndf * factor, 4, 2, 1, bias=False)]
        disc += [nn.BatchNorm2d(ndf * factor), nn.LeakyReLU(0.2)]
    disc += [nn.Conv2d(ndf * sizes[-1], 1, 4, bias=False)]
    return {"gen": nn.Sequential(*gen), "disc": nn.Sequential(*disc)}


def state(nets, prefix=""):
    """Every tensor as the tutorial's modules name it: `gen.main.0.weight` and so on."""
    return {
        f"{prefix}{net}.main.{name}": value.detach().clone()
        for net, network in nets.items()
        for name, value in network.state_dict().items()
    }


def gan_fixture(seed=0):
    torch.manual_seed(seed)
    c = CONFIG
    nets = networks(**c)
    for parameter in [p for net in nets.values() for p in net.parameters()]:
        # Larger than DCGAN's 0.02: gradients of some size show more.
        parameter.data = torch.randn_like(parameter) * 0.2 + (1 if parameter.dim() == 1 else 0)
    tensors = state(nets)
    gen, disc = nets["gen"], nets["disc"]
    betas = (c["beta1"], c["beta2"])
    optim_g = torch.optim.Adam(gen.parameters(), c["lr"], betas)
    optim_d = torch.optim.Adam(disc.parameters(), c["lrDisc"], betas)

    def judge(logits, target):
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

    def answer(picture, labels):
        maps = F.one_hot(labels, c["classes"])[:, :, None, None].expand(-1, -1, c["side"], c["side"])
        return disc(torch.cat([picture, maps.to(picture.dtype)], 1))

    for n in range(c["steps"]):
        pictures = torch.rand(c["batch"], 3, c["side"], c["side"]) * 2 - 1
        noise = torch.randn(c["batch"], c["nz"])
        labels = torch.randint(0, c["classes"], (c["batch"],))
        wrong = (labels + torch.randint(1, c["classes"], (c["batch"],))) % c["classes"]
        given = {"pictures": pictures, "noise": noise, "labels": labels, "wrong": wrong}
        tensors.update({f"{n}.{name}": value for name, value in given.items()})

        vectors = torch.cat([noise, F.one_hot(labels, c["classes"])], 1)
        fake = gen(vectors[:, :, None, None])
        real_logits, fake_logits = answer(pictures, labels), answer(fake.detach(), labels)
        loss_fake = (judge(fake_logits, 0.0) + judge(answer(pictures, wrong), 0.0)) / 2
        loss_d = judge(real_logits, c["realTarget"]) + loss_fake
        optim_d.zero_grad()
        loss_d.backward()
        optim_d.step()
        loss_g = judge(answer(fake, labels), 1.0)
        optim_g.zero_grad()
        loss_g.backward()
        optim_g.step()
        scores = [torch.sigmoid(logits).mean() for logits in (real_logits, fake_logits)]
        tensors[f"{n}.losses"] = torch.stack([loss_d, loss_g, *scores]).detach()
    tensors.update(state(nets, "after."))
    return tensors, {"format": "pixtape-gan", "version": "1", "config": json.dumps(c)}
