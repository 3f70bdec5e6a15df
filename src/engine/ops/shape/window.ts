import coordinates from '../../../../shaders/elementwise/loop/coordinates.wgsl';
import unpadSource from '../../../../shaders/shape/unpad.wgsl';
import windowSource from '../../../../shaders/shape/window.wgsl';
import { dispatchElements } from '../../tape/dispatch.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { typedSource } from '../typed.ts';

const source = `${windowSource}\n${coordinates}`;

/** In the order of the shader's numbers. */
const MODES = ['pick', 'spread', 'reflect', 'replicate'] as const;
export type WindowMode = (typeof MODES)[number];

/** How the kernel reads an axis; see `window.wgsl`. */
export interface AxisWindow {
  start: number;
  step: number;
  /** The length of the result. */
  length: number;
}

/** Axes that the kernel supports. */
const MOST_AXES = 4;

/** Records the window of x with these entries, one per axis. Nothing on the tape. */
export function windowOf(
  x: Tensor,
  mode: WindowMode,
  windows: readonly AxisWindow[],
  label: string,
  value = 0,
): Tensor {
  const axes = mergedWindows(x.shape, windows);
  if (axes.length > MOST_AXES) {
    // Two passes with half of the changed axes each. In each pass, adjacent unchanged axes are merged into one.
    const changed = windows.flatMap((window, axis) => (isWhole(window, x.shape[axis] as number) ? [] : [axis]));
    const first = changed.slice(0, changed.length / 2);
    const some = windows.map((w, axis) => (first.includes(axis) ? w : whole(x.shape[axis] as number)));
    const rest = windows.map((w, axis) => (first.includes(axis) ? whole(w.length) : w));
    return windowOf(windowOf(x, mode, some, label, value), mode, rest, label, value);
  }
  const shape = windows.map(({ length }) => length);
  const y = Tensor.temporary(x.device, shape, label, x.dtype);
  const padded = [...Array<undefined>(MOST_AXES - axes.length), ...axes];
  const params: Record<string, number> & { n: number } = { n: y.size, value };
  padded.forEach((axis, k) => {
    const { from, start, step, length } = axis ?? { from: 1, ...whole(1) };
    if (k > 0) params[`size_${k}`] = length;
    Object.assign(params, { [`from_${k}`]: from, [`start_${k}`]: start, [`step_${k}`]: step });
  });
  const constants = { MODE: MODES.indexOf(mode), UNIT: axes.every(({ step }) => step === 1) };
  dispatchElements(x.device.kernel(mode, typedSource(source, x.dtype), 'main', constants), { x, y }, params);
  return y;
}

/** An unchanged axis. */
function whole(length: number): AxisWindow {
  return { start: 0, step: 1, length };
}

function isWhole({ start, step, length }: AxisWindow, from: number): boolean {
  return start === 0 && step === 1 && length === from;
}

/** Merges adjacent unchanged axes. */
function mergedWindows(shape: Shape, windows: readonly AxisWindow[]): (AxisWindow & { from: number })[] {
  const merged: (AxisWindow & { from: number; untouched: boolean })[] = [];
  shape.forEach((from, axis) => {
    const window = windows[axis] as AxisWindow;
    const untouched = isWhole(window, from);
    if (untouched && from === 1) return;
    const before = merged.at(-1);
    if (before?.untouched && untouched) {
      before.from *= from;
      before.length *= from;
    } else merged.push({ ...window, from, untouched });
  });
  return merged;
}

/** Records for each element the sum over its copies along a padded axis: y (…, padded, …) → (…, length, …). */
export function unpad(y: Tensor, axis: number, length: number, before: number, mode: 'reflect' | 'replicate'): Tensor {
  const shape = y.shape.map((n, k) => (k === axis ? length : n));
  const x = Tensor.temporary(y.device, shape, 'unpad', y.dtype);
  const params = { n: x.size, length, padded: y.shape[axis] as number, inner: sizeOf(y.shape.slice(axis + 1)), before };
  dispatchElements(y.device.kernel('unpad', unpadSource, 'main', { MODE: MODES.indexOf(mode) }), { y, x }, params);
  return x;
}
