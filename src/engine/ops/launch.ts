import type { Device } from '../gpu/device.ts';
import type { Workgroups } from '../gpu/program.ts';
import type { Shape } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';

/** How a kernel walks through planes (a plane is one channel of one picture); names as in the shaders. */
export interface PlaneGrid {
  params: {
    /** Pixels of a plane, and how many of them one workgroup takes in a run. */
    pixels: number;
    slice: number;
    planes: number;
    width: number;
    /** A step of LANES pixels, as rows and columns. */
    step_rows: number;
    step_cols: number;
  };
  /** Workgroup (s, k) takes slice s of the planes k, k + groups.y, … */
  groups: Workgroups;
}

/**
 * Cuts planes into slices. Lane t of a workgroup takes pixels t, t + LANES, … of its slice, so memory is read in order,
 * and row and column advance by adding. A division for each pixel is expensive on a CPU driver.
 */
export function planeGrid(device: Device, height: number, width: number, planes: number): PlaneGrid {
  const { maxUsefulWorkgroups: enough, lanes } = device;
  const pixels = height * width;
  const rounds = Math.ceil(planes / enough);
  const y = Math.ceil(planes / rounds);
  const slice = Math.ceil(pixels / Math.ceil(enough / y) / lanes) * lanes;
  const step_rows = Math.floor(lanes / width);
  const params = { pixels, slice, planes, width, step_rows, step_cols: lanes % width };
  return { params, groups: [Math.ceil(pixels / slice), y] };
}

/** Minimum rows per invocation, because starting a column costs some divisions. */
const LEAST_ROWS = 8;

/** Gives each column an invocation, in no more workgroups than keep the device busy. Cuts columns if there are few. */
export function columnGrid(device: Device, rows: number, columns: number) {
  const across = Math.min(Math.ceil(columns / device.lanes), device.maxUsefulWorkgroups);
  const slice = Math.max(LEAST_ROWS, Math.ceil(rows / Math.ceil(device.maxUsefulWorkgroups / across)));
  return { params: { columns, slice }, groups: [across, Math.ceil(rows / slice)] as const };
}

/** The sides of a batch of pictures. @throws PixtapeError that names the operation if there are not four. */
export function nchw(op: string, shape: Shape): [n: number, c: number, h: number, w: number] {
  if (shape.length !== 4) throw new PixtapeError(`${op}: the input is [${shape}]; expected (N, C, H, W)`);
  return shape as unknown as [number, number, number, number];
}
