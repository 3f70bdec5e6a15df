import { differentiable } from '../../tape/autograd.ts';
import { broadcastShape } from '../../tape/broadcast.ts';
import { computeElementwise, type Operands } from '../../tape/elementwise.ts';
import { dependsOn, type ElementOperation, parseElementwise } from '../../tape/elementwise_text.ts';
import { type Backward, type Shape, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aNumber, aTensor, checkArguments, either } from '../arguments.ts';
import { sumTo } from '../shape/expand.ts';

const tensorOrNumber = either(aTensor, aNumber());

/**
 * Makes an element-wise operation on one tensor from its WGSL: `export const gelu = unary('gelu', source)`. The text
 * holds `f(x)`, `dx(…)` and, for second derivatives, `dxx(…)`: see `parseElementwise`. Texts shared with other
 * operations follow its own.
 */
/* @__NO_SIDE_EFFECTS__ */
export function unary(name: string, ...sources: readonly string[]): (x: Tensor) => Tensor {
  const operation = parseElementwise(name, ...sources);
  return (x) => {
    checkArguments(name, { x: aTensor }, { x });
    return applyElementwise(operation, { x });
  };
}

/**
 * Makes an operation on two tensors, or a tensor and a number, which are broadcast: `f(a, b)`, `da(…)`, `db(…)`,
 * `dab(…)` ….
 */
/* @__NO_SIDE_EFFECTS__ */
export function binary(
  name: string,
  ...sources: readonly string[]
): (a: Tensor | number, b: Tensor | number) => Tensor {
  return binaryOf(parseElementwise(name, ...sources));
}

/** `binary` for an operation that the tape already has. */
/* @__NO_SIDE_EFFECTS__ */
export function binaryOf(operation: ElementOperation): (a: Tensor | number, b: Tensor | number) => Tensor {
  return (a, b) => {
    checkArguments(operation.name, { a: tensorOrNumber, b: tensorOrNumber }, { a, b });
    return applyElementwise(operation, { a, b });
  };
}

/**
 * Records an element-wise operation. Tensors are broadcast against each other; numbers count as tensors of one element.
 * Gradients flow into each operand for which the operation's text has one.
 * @throws PixtapeError if the shapes cannot be broadcast, or no operand is a tensor
 */
export function applyElementwise(operation: ElementOperation, operands: Operands): Tensor {
  const { name } = operation;
  const tensors = Object.values(operands).filter((operand) => operand instanceof Tensor);
  const [first] = tensors;
  if (!first) throw new PixtapeError(`${name}: an operand must be a tensor`, 'Work numbers out in JavaScript.');
  const shape = broadcastShape(name, tensors);
  const y = computeElementwise(first.device, operation, 'f', operands, { shape, label: name });
  const inputs = Object.entries(operands).flatMap(([key, tensor]) => {
    return tensor instanceof Tensor && operation.functions.has(`d${key}`) ? [{ key, tensor }] : [];
  });
  const values = { ...operands, y };
  const backward: Backward = (dy, needs) =>
    inputs.map(({ key, tensor }, i) => {
      return needs[i] ? partial(operation, `d${key}`, { ...values, dy }, tensor, shape) : undefined;
    });
  const twice = inputs.every(({ key }) => secondDerivatives(operation, key) !== undefined);
  const graphBackward: Backward = (dy, needs) =>
    inputs.map(({ key, tensor }, i) => {
      return needs[i] ? sumTo(gradientOf(operation, key, operands, y, dy), tensor.shape) : undefined;
    });
  return differentiable(
    y,
    inputs.map(({ tensor }) => tensor),
    backward,
    twice ? graphBackward : undefined,
  );
}

/** The value of an operation's function for `of`: computed in the result's shape, then summed to the shape of `of`. */
function partial(operation: ElementOperation, fn: string, values: Operands, of: Tensor, shape: Shape): Tensor {
  if (operation.functions.get(fn)?.trivial === 'dy') return sumTo(values.dy as Tensor, of.shape);
  const label = `${operation.name}.${fn}`;
  return sumTo(computeElementwise(of.device, operation, fn, values, { shape, label, dtype: of.dtype }), of.shape);
}

/** For each operand, the function for the derivative of `d…` with respect to it; undefined if the text lacks one. */
function secondDerivatives({ functions }: ElementOperation, key: string): Map<string, string> | undefined {
  const first = functions.get(`d${key}`);
  if (!first) return undefined;
  const found = new Map<string, string>();
  for (const { name } of functions.get('f')?.parameters ?? []) {
    if (!functions.has(`d${name}`) || !dependsOn(first, name)) continue;
    const second = [`d${key}${name}`, `d${name}${key}`].find((fn) => functions.has(fn));
    if (!second) return undefined;
    if (functions.get(second)?.trivial !== 'zero') found.set(name, second);
  }
  return found;
}

/** The gradient of one operand, in the result's shape, as an operation on dy and the operands. */
function gradientOf(operation: ElementOperation, key: string, operands: Operands, y: Tensor, dy: Tensor): Tensor {
  const fn = `d${key}`;
  if (operation.functions.get(fn)?.trivial === 'dy') return dy;
  const seconds = [...(secondDerivatives(operation, key) ?? [])].flatMap(([name, second]) => {
    const tensor = operands[name];
    return tensor instanceof Tensor ? [{ tensor, second }] : [];
  });
  const { shape, device } = y;
  const values = { ...operands, y };
  const dx = computeElementwise(device, operation, fn, { ...values, dy }, { shape, label: `${operation.name}.${fn}` });
  const backward: Backward = (dd, needs) => [
    needs[0]
      ? computeElementwise(device, operation, fn, { ...values, dy: dd }, { shape, label: dx.label, dtype: dy.dtype })
      : undefined,
    ...seconds.map(({ tensor, second }, i) => {
      return needs[i + 1] ? partial(operation, second, { ...values, dy, dd }, tensor, shape) : undefined;
    }),
  ];
  const graphBackward: Backward = (dd, needs) => [
    needs[0] ? gradientOf(operation, key, operands, y, dd) : undefined,
    ...seconds.map(({ tensor, second }, i) => {
      if (!needs[i + 1]) return undefined;
      const part = partial(operation, second, { ...values, dy, dd }, tensor, shape);
      const inputs = [dy, dd, ...seconds.map(({ tensor }) => tensor)];
      return differentiable(part, inputs, () => {
        throw new PixtapeError(`${operation.name} has no third derivative`, undefined, { code: 'unsupported' });
      });
    }),
  ];
  return differentiable(dx, [dy, ...seconds.map(({ tensor }) => tensor)], backward, graphBackward);
}
