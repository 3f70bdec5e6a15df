import type { Device } from '../gpu/device.ts';
import type { Workgroups } from '../gpu/program.ts';
import type { Kernel } from '../gpu/shader/kernel.ts';
import type { Bindable } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { currentProgram } from './current.ts';
import { Tensor } from './tensor.ts';

type Bound = Tensor | Bindable;

/** Adds a dispatch to the program that is being recorded. Accepts tensors in place of their storage. */
export function dispatch(
  kernel: Kernel,
  bindings: Readonly<Record<string, Bound>>,
  params: Readonly<Record<string, number>> | undefined,
  groups: Workgroups,
  label?: string,
): void {
  const plain = Object.fromEntries(
    Object.entries(bindings).map(([name, b]) => [name, b instanceof Tensor ? b.storage : b]),
  );
  currentProgram(deviceOf(kernel, bindings)).dispatch(kernel, plain, params, groups, label);
}

/** @throws PixtapeError if the tensors belong to different devices */
function deviceOf(kernel: Kernel, bindings: Readonly<Record<string, Bound>>): Device {
  const tensors = Object.values(bindings).filter((b) => b instanceof Tensor);
  const [first] = tensors;
  if (!first) throw new Error(`${kernel.label}: at least one binding must be a tensor`);
  const other = tensors.find((t) => t.device !== first.device);
  if (other) {
    throw new PixtapeError(
      `${kernel.label}: ${first.label} and ${other.label} belong to different devices`,
      'Make all tensors of a program on one device.',
      { code: 'misuse' },
    );
  }
  return first.device;
}

/** Minimum elements per invocation on CPU drivers, where launching a workgroup costs as much as dozens of elements. */
const LEAST_EACH = 4;
/** WebGPU's default limit for one dimension; Device never requests more. */
const MOST_GROUPS = 65535;

/**
 * Appends a dispatch of a kernel whose invocations stride through `params.n` elements:
 * `for (var i = id.x; i < p.n; i += groups.x * LANES)`, with `@workgroup_size(LANES)`.
 */
export function dispatchElements(
  kernel: Kernel,
  bindings: Readonly<Record<string, Bound>>,
  params: Readonly<Record<string, number>> & { n: number },
  invocations = params.n,
): void {
  dispatch(kernel, bindings, params, elementWorkgroups(deviceOf(kernel, bindings), invocations));
}

/** Workgroups for invocations that stride through `n` elements: no more than keep the device busy. */
export function elementWorkgroups(device: Device, n: number): [number] {
  const each = device.lanes * (device.capabilities.cpu ? LEAST_EACH : 1);
  return [Math.min(Math.ceil(n / each), device.maxUsefulWorkgroups)];
}

/** Workgroups of LANES for one invocation each: `i = id.x + id.y * groups.x * LANES`. */
export function invocationWorkgroups(device: Device, invocations: number): [number, number] {
  return split1d(Math.ceil(invocations / device.lanes));
}

/** Splits a count of workgroups into (x, y) if it exceeds 65,535, the limit of one dimension. */
export function split1d(groups: number): [number, number] {
  const x = Math.min(groups, MOST_GROUPS);
  return [x, Math.ceil(groups / x)];
}

/** Splits x into (x, z) if it exceeds the limit of one dimension. Such kernels count `group.x + group.z * groups.x`. */
export function split2d(x: number, y: number): [number, number, number] {
  const z = Math.ceil(x / MOST_GROUPS);
  return [Math.ceil(x / z), y, z];
}
