import type { Device } from '../../../gpu/device.ts';
import type { ConvChoice, ConvDirection } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { findChoice, parseRequest } from './registry.ts';

/** Where a rule applies. Omitted fields match everything. */
interface Rule {
  direction?: ConvDirection;
  /** Both sides of the kernel, and both strides. */
  kernel?: number;
  stride?: number;
  /**
   * The fewest input channels and output channels per group, and the fewest positions of the result in the whole batch.
   */
  channels?: number;
  /**
   * Applies only to grouped convolutions: the most channels per group, of the input or of the output, whichever has
   * fewer.
   */
  groupChannels?: number;
  positions?: number;
  /** Applies only if halves may be multiplied. */
  halves?: true;
  /** Algorithms, or names of choices, the best first. The first that fits is taken. */
  prefer: readonly string[];
}

/** The choices for a kind of device without measurements: the first rule that applies and names something that fits. */
export interface ShippedTable {
  name: string;
  rules: readonly Rule[];
}

const CPU: readonly Rule[] = [
  { groupChannels: 8, prefer: ['grouped'] },
  { prefer: ['tile', 'fold', 'dilated', 'grouped', 'gemm'] },
];

/**
 * `winograd_rows` pays from 256 positions on. Only layers with enough work recover its longer compilation. 64 channels
 * at once gain a tenth over 32, but their kernel takes three times as long to compile; `tune` finds that.
 */
const LAVAPIPE_16: readonly Rule[] = [
  {
    direction: 'forward',
    kernel: 3,
    stride: 1,
    channels: 256,
    positions: 256,
    prefer: ['winograd_rows', 'dilated_rows'],
  },
  {
    direction: 'inputGradient',
    kernel: 3,
    stride: 1,
    channels: 256,
    positions: 256,
    prefer: ['winograd_rows', 'dilated_rows'],
  },
  { kernel: 3, stride: 1, channels: 64, positions: 1024, prefer: ['winograd_rows', 'dilated_rows'] },
  { kernel: 3, stride: 1, channels: 32, positions: 4096, prefer: ['winograd_rows', 'dilated_rows'] },
  ...CPU,
];

/** On an H200 the fold saved up to half of a strided gradient's time from 32 × 32 on, and lost at 16 × 16. */
const GPU: readonly Rule[] = [
  { groupChannels: 16, prefer: ['grouped'] },
  { direction: 'inputGradient', stride: 2, positions: 1024, halves: true, channels: 16, prefer: ['fold_matrix'] },
  { halves: true, channels: 16, prefer: ['matrix'] },
  { direction: 'inputGradient', stride: 2, positions: 1024, prefer: ['fold_gemm'] },
  { prefer: ['gemm', 'grouped'] },
];

/** With four lanes `tile` has special kernels, which are faster than Winograd's transforms. */
const TABLES = {
  lavapipe16: { name: 'lavapipe, 16 lanes', rules: LAVAPIPE_16 },
  lavapipe8: { name: 'lavapipe, 8 lanes', rules: CPU },
  swiftshader: { name: 'SwiftShader', rules: CPU },
  cpu: { name: 'a CPU driver', rules: CPU },
  gpu: { name: 'a GPU', rules: GPU },
} satisfies Record<string, ShippedTable>;

/** The table for this kind of device. */
export function shippedTable({ capabilities: { cpu, subgroupSize }, description }: Device): ShippedTable {
  if (!cpu) return TABLES.gpu;
  if (/swiftshader/i.test(description)) return TABLES.swiftshader;
  if (/llvmpipe|lavapipe/i.test(description)) {
    if (subgroupSize === 16) return TABLES.lavapipe16;
    if (subgroupSize === 8) return TABLES.lavapipe8;
  }
  return TABLES.cpu;
}

/** The best of `candidates` according to a table. */
export function lookUp(
  { rules }: ShippedTable,
  direction: ConvDirection,
  g: ConvGeometry,
  candidates: readonly ConvChoice[],
): ConvChoice | undefined {
  for (const name of rules.filter((rule) => applies(rule, direction, g)).flatMap((rule) => rule.prefer)) {
    const request = parseRequest(name);
    if (!request) throw new Error(`a shipped table prefers "${name}", which is not a convolution algorithm`);
    const found = findChoice(candidates, request);
    if (found) return found;
  }
  return undefined;
}

function applies(rule: Rule, direction: ConvDirection, g: ConvGeometry): boolean {
  const { kernel = g.kernelH, stride = g.strideH, channels = 0, groupChannels, positions = 0 } = rule;
  const each = Math.min(g.inC, g.outC) / g.groups;
  const [height, width] = direction === 'inputGradient' ? [g.inH, g.inW] : [g.outH, g.outW];
  return (
    (rule.direction ?? direction) === direction &&
    (rule.kernel === undefined || (g.kernelH === kernel && g.kernelW === kernel)) &&
    (rule.stride === undefined || (g.strideH === stride && g.strideW === stride)) &&
    (rule.halves === undefined || g.halves === true) &&
    each >= channels &&
    (groupChannels === undefined || (g.groups > 1 && each <= groupChannels)) &&
    g.batch * height * width >= positions
  );
}
