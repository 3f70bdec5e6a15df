import addSource from '../../../shaders/elementwise/add.wgsl';
import scaleSource from '../../../shaders/elementwise/scale.wgsl';
import { dispatchElements, filled } from './dispatch.ts';
import { currentProgram } from './record.ts';
import { sameShape, type Tensor } from './tensor.ts';

/**
 * Reverse-mode differentiation on a tape (the idea as in micrograd, over tensors): each differentiable operation
 * leaves a node on its result that knows the inputs and how to turn the gradient of the result into theirs.
 */
export interface TapeNode {
  inputs: readonly Tensor[];
  /** Which inputs asked for a gradient when the operation was recorded: a weight frozen then stays out of it. */
  needs: readonly boolean[];
  /** The position on the tape: an operation always comes after everything it used. */
  order: number;
  backward: Backward;
}

/**
 * Records the backward of one operation. `dy` is the gradient of its result; the answer holds one gradient for each
 * input, in order. Where `needs[i]` is false nobody asks for the i-th: return undefined and save the work.
 */
export type Backward = (dy: Tensor, needs: readonly boolean[]) => readonly (Tensor | undefined)[];

let order = 0;
let enabled = true;

/** Marks `output` as made from `inputs`, so that gradients flow back through it if any input needs one. */
export function differentiable(output: Tensor, inputs: readonly Tensor[], backward: Backward): Tensor {
  const needs = inputs.map((t) => t.requiresGrad);
  if (enabled && needs.includes(true)) {
    output.requiresGrad = true;
    output.node = { inputs, needs, order: order++, backward };
  }
  return output;
}

/** Runs `body` without leaving anything on the tape. */
export function noGrad<T>(body: () => T): T {
  const before = enabled;
  enabled = false;
  try {
    return body();
  } finally {
    enabled = before;
  }
}

let recomputing = false;

/** Whether what is being recorded has been recorded before, by `recompute`: statistics must not move a second time. */
export function isRecomputing(): boolean {
  return recomputing;
}

/**
 * Records `body`, but keeps none of what it leaves between its inputs and its result: the backward records it once more,
 * with the same random numbers, and goes back through that. One more forward for less memory. Gradients are
 * the same bits. The weights that `body` uses must not be frozen or thawed between forward and backward.
 *
 * Source: Chen, Xu, Zhang & Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost".
 */
export function checkpoint(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => Tensor): Tensor {
  const [first] = inputs;
  if (!enabled || !first) return body(inputs);
  const program = currentProgram(first.device);
  const ordinals = program.callIndices;
  const output = noGrad(() => body(inputs)).detach();
  output.requiresGrad = true;
  output.node = {
    inputs,
    needs: inputs.map((t) => t.requiresGrad),
    order: order++,
    backward(dy, needs) {
      const again = inputs.map((t, i) => {
        const copy = t.detach();
        copy.requiresGrad = needs[i] ?? false;
        return copy;
      });
      const now = program.callIndices;
      program.callIndices = ordinals;
      recomputing = true;
      try {
        backward(body(again), dy);
      } finally {
        recomputing = false;
        program.callIndices = now;
      }
      return again.map((t) => t.grad);
    },
  };
  return output;
}

/** What to call in the place of `recompute` where memory is plenty. */
export function runDirectly(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => Tensor): Tensor {
  return body(inputs);
}

/**
 * Records the gradient of `loss` for every leaf that asks for one and adds it to the leaf's `grad`; two calls in one
 * recording accumulate, as in PyTorch. `seed` is the gradient of the loss itself: by default a one for one value.
 */
export function backward(loss: Tensor, seed?: Tensor): void {
  if (!seed && loss.size !== 1) {
    throw new Error(`backward() of a tensor of shape [${loss.shape}] needs the gradient to start from`);
  }
  if (seed && !sameShape(seed.shape, loss.shape)) {
    throw new Error(`backward(): the gradient is [${seed.shape}], the tensor [${loss.shape}]`);
  }
  if (!loss.requiresGrad) throw new Error('backward(): nothing that this tensor was made from requires a gradient');
  const start = seed ?? filled(loss, 1, 'one');
  const grads = new Map<Tensor, Tensor>([[loss, start]]);
  const pending = new Set([loss]);
  while (pending.size > 0) {
    const tensor = latest(pending);
    pending.delete(tensor);
    const dy = grads.get(tensor) as Tensor;
    grads.delete(tensor);
    if (!tensor.node) {
      tensor.grad = tensor.grad ? accumulate(tensor.grad, dy) : dy;
      continue;
    }
    const { inputs, needs } = tensor.node;
    const parts = tensor.node.backward(dy, needs);
    inputs.forEach((input, i) => {
      const part = parts[i];
      if (!needs[i] || !part) return;
      if (!sameShape(part.shape, input.shape)) {
        throw new Error(`gradient of ${input.label} is [${part.shape}], the tensor [${input.shape}]`);
      }
      const own = storedLike(part, input);
      const before = grads.get(input);
      grads.set(input, before ? accumulate(before, own) : own);
      pending.add(input);
    });
  }
}

/** Of the tensors that still wait, the one made last; leaves come at the very end. */
function latest(pending: ReadonlySet<Tensor>): Tensor {
  let best: Tensor | undefined;
  for (const t of pending) {
    if (!best || (t.node?.order ?? -1) > (best.node?.order ?? -1)) best = t;
  }
  return best as Tensor;
}

/** A gradient is stored as its tensor is; where they met in one operation, it may have come as the other kind. */
function storedLike(gradient: Tensor, tensor: Tensor): Tensor {
  if (gradient.dtype === tensor.dtype) return gradient;
  const y = tensor.like(gradient.label);
  dispatchElements(y.device.kernel('scale', scaleSource, 'forward'), { x: gradient, y }, { n: y.size, factor: 1 });
  return y;
}

/** A fresh tensor for the sum: gradients may be shared between inputs, so none is ever changed in place. */
function accumulate(a: Tensor, b: Tensor): Tensor {
  const y = a.like(`${a.label} + ${b.label}`);
  dispatchElements(a.device.kernel('add', addSource, 'forward'), { a, b, y }, { n: a.size });
  return y;
}
