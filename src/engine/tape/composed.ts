import { differentiable, grad } from './autograd.ts';
import { type Backward, Tensor } from './tensor.ts';

/**
 * The gradients of an operation, written with differentiable operations, from a composition of such that gives the same
 * result: for operations whose own kernels are there for speed. It is recorded only where `createGraph` asks for it.
 * @param inputs those of the operation, in order
 * @param compose records the composition from tensors that stand for the inputs
 */
export function composedGradient(inputs: readonly Tensor[], compose: (inputs: readonly Tensor[]) => Tensor): Backward {
  return (dy, needs) => {
    // They share the inputs' memory and stop the gradient: one input may have been made from another.
    const stands = inputs.map(standIn);
    const wanted = stands.filter((_, i) => needs[i]);
    const found = grad(compose(stands), wanted, { seed: dy, createGraph: true });
    return stands.map((stand) => found[wanted.indexOf(stand)]);
  };
}

/** The same values, with a place of its own on the tape. */
function standIn(x: Tensor): Tensor {
  const back: Backward = (dy) => [dy];
  return differentiable(new Tensor(x.device, x.shape, x.storage), [x], back, back);
}
