import { PixtapeError } from '../util/errors.ts';
import { currentProgram } from './current.ts';
import { duringBackwardPass, sumLater } from './deferred/sums.ts';
import { oneLike, scaled, sumOf } from './primitives.ts';
import { type Backward, sameShape, type Tensor } from './tensor.ts';

let order = 0;
let enabled = true;
let goingBack = false;

/**
 * Marks `output` as made from `inputs`, so that gradients flow back through it if any input needs one.
 *
 * @param backward records the gradients, with kernels of any kind; nothing it does is on the tape
 * @param graphBackward the same gradients, written with differentiable operations of the inputs, `output` and `dy`.
 *   `grad` uses it with `createGraph`. Without it the operation has no second derivative. Pass `backward` itself if it
 *   consists of differentiable operations
 */
export function differentiable(
  output: Tensor,
  inputs: readonly Tensor[],
  backward: Backward,
  graphBackward?: Backward,
): Tensor {
  const needs = inputs.map((t) => t.requiresGrad);
  if (enabled && needs.includes(true)) {
    for (const input of inputs) input.users++;
    output.requiresGrad = true;
    const node = { inputs, needs, order: order++, label: output.label, backward };
    output.node = { ...node, differentiableBackward: graphBackward };
  }
  return output;
}

function withTape<T>(on: boolean, body: () => T): T {
  const before = enabled;
  enabled = on;
  try {
    return body();
  } finally {
    enabled = before;
  }
}

/** Runs `body` without leaving anything on the tape. */
export function noGrad<T>(body: () => T): T {
  return withTape(false, body);
}

let recomputing = false;

/** True while `checkpoint` replays a body: batch norm must not update its running statistics twice. */
export function isRecomputing(): boolean {
  return recomputing;
}

/**
 * Runs `body` without saving its intermediates. The backward pass re-records it with the same random numbers and
 * differentiates that copy: one more forward for less memory. Gradients have the same bits. The weights that `body`
 * uses must not be frozen or unfrozen between forward and backward. There is no second derivative through it.
 *
 * Source: Chen, Xu, Zhang & Guestrin 2016, "Training Deep Nets with Sublinear Memory Cost"; as torch.utils.checkpoint.
 */
export function checkpoint(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => Tensor): Tensor {
  const [first] = inputs;
  if (!enabled || !first) return body(inputs);
  const program = currentProgram(first.device);
  const callIndices = program.callIndices;
  const output = noGrad(() => body(inputs)).detach();
  output.requiresGrad = true;
  const again: Backward = (dy, needs) => {
    const copies = inputs.map((t, i) => {
      const copy = t.detach();
      copy.requiresGrad = needs[i] ?? false;
      return copy;
    });
    const now = program.callIndices;
    program.callIndices = callIndices;
    recomputing = true;
    try {
      withTape(true, () => backward(body(copies), dy));
    } finally {
      recomputing = false;
      program.callIndices = now;
    }
    return copies.map((t) => t.grad);
  };
  const needs = inputs.map((t) => t.requiresGrad);
  for (const input of inputs) input.users++;
  output.node = {
    inputs,
    needs,
    order: order++,
    label: 'checkpoint',
    backward: again,
    differentiableBackward: undefined,
  };
  return output;
}

/** Replaces `checkpoint` if memory is plentiful. */
export function runDirectly(inputs: readonly Tensor[], body: (inputs: readonly Tensor[]) => Tensor): Tensor {
  return body(inputs);
}

/**
 * Records the gradient of `loss` for every leaf that asks for one, and adds it to the leaf's `grad`. Two calls in one
 * recording accumulate, as in PyTorch.
 * @param seed the gradient of the loss itself; by default 1, for a loss of one value
 * @throws PixtapeError if the loss is not one value and has no seed, or nothing that it was made from asks for a
 *   gradient
 */
export function backward(loss: Tensor, seed?: Tensor): void {
  const before = goingBack;
  goingBack = true;
  try {
    propagate('backward', loss, seed, false, (leaf, gradient) => {
      if (leaf.node) return;
      leaf.grad = leaf.grad ? sumLater(leaf.grad, gradient, `${leaf.label}.grad`) : gradient;
    });
  } finally {
    goingBack = before;
  }
}

/** Whether a gradient that is being recorded goes only to the operation that made the tensor. */
export function isGoingBack(): boolean {
  return goingBack;
}

/** While an operation's backward is being recorded: the gradients so far, to which it may add its own. */
let found: Map<Tensor, Tensor> | undefined;

/**
 * Takes the gradient that an operation's result has got from its other users so far, for a user that adds its own in
 * the same pass. That user must return the sum. Undefined if there is none, or if sums go on the tape.
 */
export function takeGradientSoFar(x: Tensor): Tensor | undefined {
  const gradient = x.node && found?.get(x);
  if (gradient) found?.delete(x);
  return gradient;
}

function withGradientsSoFar<T>(gradients: Map<Tensor, Tensor> | undefined, body: () => T): T {
  const before = found;
  found = gradients;
  try {
    return body();
  } finally {
    found = before;
  }
}

export interface GradOptions {
  /** The gradient of y itself; by default 1, for a y of one value. */
  seed?: Tensor;
  /**
   * Leaves the gradients on the tape, so that they can be part of a loss. Every operation in between must have a second
   * derivative; the table of operations in the documentation says which do.
   */
  createGraph?: boolean;
}

/**
 * Records the gradients of `y` with respect to `inputs` (leaves or results of operations) and returns them. No tensor's
 * `grad` changes. As `torch.autograd.grad`.
 * @throws PixtapeError if y does not depend on one of them, or an operation has no second derivative
 */
export function grad(y: Tensor, inputs: readonly Tensor[], { seed, createGraph = false }: GradOptions = {}): Tensor[] {
  const found = new Map<Tensor, Tensor>();
  const visit = (tensor: Tensor, gradient: Tensor) => {
    if (inputs.includes(tensor)) found.set(tensor, gradient);
  };
  const before = goingBack;
  goingBack = false;
  try {
    propagate('grad', y, seed, createGraph, visit, leadingTo(inputs, y));
  } finally {
    goingBack = before;
  }
  return inputs.map((input, i) => {
    const gradient = found.get(input);
    if (gradient) return gradient;
    throw new PixtapeError(
      `grad(): ${y.label} [${y.shape}] does not depend on input ${i}, ${input.label} [${input.shape}]`,
      'Set requiresGrad on it before the operations that use it are recorded.',
      { code: 'misuse' },
    );
  });
}

/** The tensors behind `y` through which its gradient reaches one of `wanted`. */
function leadingTo(wanted: readonly Tensor[], y: Tensor): ReadonlySet<Tensor> {
  const all = new Set([y]);
  // Iterating a set includes what is added meanwhile.
  for (const { node } of all) {
    node?.inputs.forEach((input, i) => {
      if (node.needs[i]) all.add(input);
    });
  }
  const inOrder = [...all].sort((a, b) => (a.node?.order ?? -1) - (b.node?.order ?? -1));
  const found = new Set<Tensor>();
  for (const tensor of inOrder) {
    const { inputs, needs } = tensor.node ?? { inputs: [], needs: [] };
    if (wanted.includes(tensor) || inputs.some((input, i) => needs[i] && found.has(input))) found.add(tensor);
  }
  return found;
}

/**
 * Walks back from `y` through everything it was made from, or only through tensors in `leading`. Calls `visit` with
 * each tensor and its whole gradient.
 */
function propagate(
  name: string,
  y: Tensor,
  seed: Tensor | undefined,
  createGraph: boolean,
  visit: (tensor: Tensor, gradient: Tensor) => void,
  leading?: ReadonlySet<Tensor>,
): void {
  const misuse = (message: string, hint: string) => new PixtapeError(`${name}(): ${message}`, hint, { code: 'misuse' });
  if (!seed && y.size !== 1) {
    throw misuse(
      `${y.label} is [${y.shape}], not one value`,
      'Reduce it with mean() or sum(), or give the gradient to start from.',
    );
  }
  if (seed && !sameShape(seed.shape, y.shape)) {
    throw misuse(`the gradient to start from is [${seed.shape}], the tensor [${y.shape}]`, 'Give one of its shape.');
  }
  if (!y.requiresGrad) {
    throw misuse(
      `nothing that ${y.label} was made from asks for a gradient`,
      'Set requiresGrad on a leaf, or do not freeze the module; inside noGrad() nothing is on the tape.',
    );
  }
  // The result of an operation needs its gradient next. For a leaf the sum can be deferred.
  const add = (a: Tensor, b: Tensor, of: Tensor) => (of.node ? sumOf : sumLater)(a, b, `${a.label} + ${b.label}`);
  const accumulate = createGraph ? addOnTape : add;
  const pass = () => {
    const grads = new Map<Tensor, Tensor>([[y, seed ?? oneLike(y)]]);
    const pending = new Set([y]);
    while (pending.size > 0) {
      const tensor = latest(pending);
      pending.delete(tensor);
      const dy = grads.get(tensor) as Tensor;
      grads.delete(tensor);
      visit(tensor, dy);
      if (!tensor.node) continue;
      const { inputs, label } = tensor.node;
      const needs = tensor.node.needs.map((need, i) => need && (leading?.has(inputs[i] as Tensor) ?? true));
      // Only with `leading`: a checkpoint's weights get their gradients within it, even if no input needs one.
      if (leading && !needs.includes(true)) continue;
      const back = backwardOf(tensor, createGraph);
      const parts = withGradientsSoFar(createGraph ? undefined : grads, () => back(dy, needs));
      inputs.forEach((input, i) => {
        const part = parts[i];
        if (!needs[i] || !part) return;
        if (!sameShape(part.shape, input.shape)) {
          throw new Error(`${label}: the gradient of ${input.label} is [${part.shape}], the tensor [${input.shape}]`);
        }
        const own = storedLike(part, input);
        const before = grads.get(input);
        grads.set(input, before ? accumulate(before, own, input) : own);
        pending.add(input);
      });
    }
  };
  duringBackwardPass(() => withTape(createGraph, pass));
}

function backwardOf({ node }: Tensor, createGraph: boolean): Backward {
  if (!node) throw new Error('a leaf has no backward');
  if (!createGraph) return node.backward;
  if (node.differentiableBackward) return node.differentiableBackward;
  throw new PixtapeError(
    `${node.label} has no second derivative`,
    'Leave createGraph out, or compose the operation of others that have one.',
    { code: 'unsupported', details: { operation: node.label } },
  );
}

/** The pending tensor that was made last. Leaves come at the very end. */
function latest(pending: ReadonlySet<Tensor>): Tensor {
  let best: Tensor | undefined;
  for (const t of pending) {
    if (!best || (t.node?.order ?? -1) > (best.node?.order ?? -1)) best = t;
  }
  return best as Tensor;
}

/** Converts a gradient to its tensor's dtype. They may differ where an operation has inputs of both. */
function storedLike(gradient: Tensor, tensor: Tensor): Tensor {
  if (gradient.dtype === tensor.dtype) return gradient;
  const cast = (from: Tensor, like: Tensor): Tensor => {
    const back: Backward = (dy) => [cast(dy, from)];
    return differentiable(scaled(from, 1, from.label, like), [from], back, back);
  };
  return cast(gradient, tensor);
}

/** Makes a new tensor for the sum. Gradients may be shared between inputs, so none is changed in place. */
function addOnTape(a: Tensor, b: Tensor): Tensor {
  const back: Backward = (dy) => [dy, dy];
  return differentiable(sumOf(a, b, `${a.label} + ${b.label}`), [a, b], back, back);
}
