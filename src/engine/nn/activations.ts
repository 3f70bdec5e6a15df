import { aNumber, oneOf } from '../ops/arguments.ts';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../ops/elementwise/activations.ts';
import type { Tensor } from '../tape/tensor.ts';
import { checkLayer } from './arguments.ts';
import { Module } from './module.ts';

/** Activations as modules, for networks that consist of modules only. Each calls the operation of its name. */

export class ReLU extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('ReLU', {}, none);
  }

  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

export class LeakyReLU extends Module {
  private readonly slope: number;

  /** @param slope for x < 0; at least 0 */
  constructor(slope = 0.01, ...none: never[]) {
    super();
    checkLayer('LeakyReLU', { slope: [slope, aNumber({ least: 0, finite: true })] }, none);
    this.slope = slope;
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
}

export class Sigmoid extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('Sigmoid', {}, none);
  }

  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

export class Tanh extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('Tanh', {}, none);
  }

  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

export class GELU extends Module {
  private readonly approximate: 'none' | 'tanh';

  constructor(approximate: 'none' | 'tanh' = 'none', ...none: never[]) {
    super();
    checkLayer('GELU', { approximate: [approximate, oneOf('none', 'tanh')] }, none);
    this.approximate = approximate;
  }

  forward(x: Tensor): Tensor {
    return gelu(x, this.approximate);
  }
}

export class SiLU extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('SiLU', {}, none);
  }

  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

export class Softplus extends Module {
  constructor(...none: never[]) {
    super();
    checkLayer('Softplus', {}, none);
  }

  forward(x: Tensor): Tensor {
    return softplus(x);
  }
}

export class ELU extends Module {
  private readonly alpha: number;

  constructor(alpha = 1, ...none: never[]) {
    super();
    checkLayer('ELU', { alpha: [alpha, aNumber({ finite: true })] }, none);
    this.alpha = alpha;
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}
