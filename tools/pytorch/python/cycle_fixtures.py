"""A small CycleGAN and what PyTorch makes of its first training steps, for test/pix2pix/train/cycle:

    python3 tools/pytorch/python/cycle_fixtures.py OUT_FILE

Metadata: format pixtape-cycle, version 1, `config` as JSON. Tensors: G_A.…, G_B.…, D_A.…, D_B.… before step 1; N.a and N.b,
the batches of step N in [-1, 1]; N.losses, the discriminators' and the generators' loss, its adversarial, cycle and identity
part; after.… the weights after the last step. Computed in float64 and stored as float32. Pools are off.

Where ReLU, LeakyReLU and L1 have their kink, a rounding error decides which gradient is taken, and Adam makes a whole step of
it. The seed keeps every value of every step KINK away from there; the script refuses one that does not.
"""
import json
import math
import sys

import torch
from make_fixtures import write_safetensors
from torch import nn
from torch.nn import functional as F

SIDE, BATCH, NGF, NDF, BLOCKS, STEPS = 32, 2, 3, 2, 2, 3
SEED, KINK = 251, 1e-5
LAMBDA_A, LAMBDA_B, IDENTITY, LR, BETA1 = 10.0, 7.0, 0.5, 2e-3, 0.5


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        conv = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)]
        self.conv_block = nn.Sequential(*conv(), nn.ReLU(), *conv())

    def forward(self, x):
        return x + self.conv_block(x)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, NGF, 7), nn.InstanceNorm2d(NGF), nn.ReLU()]
        for factor in (1, 2):
            layers += [nn.Conv2d(NGF * factor, NGF * factor * 2, 3, 2, 1), nn.InstanceNorm2d(NGF * factor * 2), nn.ReLU()]
        layers += [Block(NGF * 4) for _ in range(BLOCKS)]
        for factor in (4, 2):
            up = nn.ConvTranspose2d(NGF * factor, NGF * factor // 2, 3, 2, 1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(NGF * factor // 2), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(NGF, 3, 7), nn.Tanh())

    def forward(self, x):
        return self.model(x)


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, NDF, 4, 2, 1), nn.LeakyReLU(0.2)]
        for cin, cout, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [nn.Conv2d(NDF * cin, NDF * cout, 4, stride, 1), nn.InstanceNorm2d(NDF * cout), nn.LeakyReLU(0.2)]
        self.model = nn.Sequential(*layers, nn.Conv2d(NDF * 8, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


nearest = [math.inf]


def watch(x):
    nearest[0] = min(nearest[0], x.detach().abs().min().item())


def l1(x, y):
    watch(x - y)
    return F.l1_loss(x, y)


def gan(logits, target):
    return F.mse_loss(logits, torch.full_like(logits, target))


def main(path):
    torch.manual_seed(SEED)
    torch.set_default_dtype(torch.float64)
    nets = {"G_A": Generator(), "G_B": Generator(), "D_A": Judge(), "D_B": Judge()}
    for net in nets.values():
        for module in net.modules():
            if isinstance(module, (nn.ReLU, nn.LeakyReLU)):
                module.register_forward_pre_hook(lambda _, inputs: watch(inputs[0]))
        for parameter in net.parameters():
            # Larger than N(0, 0.02), so that every layer matters, and exact in float32.
            parameter.data = (torch.randn_like(parameter) * 0.15).float().double()
    state = lambda prefix: {f"{prefix}{n}.{k}": v.float().clone() for n, net in nets.items() for k, v in net.state_dict().items()}
    tensors = state("")
    ga, gb, da, db = nets.values()
    optim_g = torch.optim.Adam([*ga.parameters(), *gb.parameters()], lr=LR, betas=(BETA1, 0.999))
    optim_d = torch.optim.Adam([*da.parameters(), *db.parameters()], lr=LR, betas=(BETA1, 0.999))
    for step in range(STEPS):
        a, b = [(torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1).float().double() for _ in range(2)]
        fake_b, fake_a = ga(a), gb(b)
        cycle = l1(gb(fake_b), a) * LAMBDA_A + l1(ga(fake_a), b) * LAMBDA_B
        identity = l1(ga(b), b) * LAMBDA_B * IDENTITY + l1(gb(a), a) * LAMBDA_A * IDENTITY
        adversarial = gan(da(fake_b), 1.0) + gan(db(fake_a), 1.0)
        loss_g = adversarial + cycle + identity
        optim_g.zero_grad()
        loss_g.backward()
        optim_g.step()
        optim_d.zero_grad()
        loss_d = 0.5 * (gan(da(b), 1.0) + gan(da(fake_b.detach()), 0.0))
        loss_d = loss_d + 0.5 * (gan(db(a), 1.0) + gan(db(fake_a.detach()), 0.0))
        loss_d.backward()
        optim_d.step()
        tensors[f"{step}.a"], tensors[f"{step}.b"] = a.float(), b.float()
        losses = [loss_d, loss_g, adversarial, cycle, identity]
        tensors[f"{step}.losses"] = torch.stack([loss.detach() for loss in losses]).float()
    if nearest[0] < KINK:
        sys.exit(f"seed {SEED}: a value lies {nearest[0]:.1e} from a kink, {KINK} is wanted; try other seeds")
    tensors.update(state("after."))
    config = {
        "width": SIDE, "height": SIDE, "batch": BATCH, "hidden": NGF, "depth": BLOCKS, "discHidden": NDF, "lambdaA": LAMBDA_A,
        "lambdaB": LAMBDA_B, "lambdaIdentity": IDENTITY, "lr": LR, "beta1": BETA1, "steps": STEPS,
    }
    write_safetensors(path, tensors, {"format": "pixtape-cycle", "version": "1", "config": json.dumps(config)})


main(sys.argv[1])
