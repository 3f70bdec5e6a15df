import { type ConvShape, convFlops, shapeName } from '../peers/peer.ts';
import { figure, percent, type Table } from '../report/table.ts';
import { share } from './inspect.ts';
import { MEASURED } from './measured.ts';
import { filled, type Inspected, type InspectedLayer, KERNEL_COLUMNS, kernelCells } from './report.ts';

/** Outputs of a tile along each side, for the forms of Winograd to compare. */
export const FORMS: readonly number[] = [4, 2];

/** Picks a form of Winograd's algorithm among the names of choices, if present. */
export const pickForm = (outputs: number) => (names: readonly string[]) =>
  names.find((name) => name.startsWith(`winograd_gemm ${outputs}x`)) ?? 'auto';

/** Floating-point operations of a layer's matrix products: the convolution's, or those over the tiles' points. */
function productFlops(shape: ConvShape, choice: string): number {
  const outputs = Number(/^winograd_gemm (\d+)x/.exec(choice)?.[1] ?? 0);
  if (outputs === 0) return convFlops(shape);
  const { batch, inC, outC, side } = shape;
  return 2 * (outputs + 2) ** 2 * batch * Math.ceil(side / outputs) ** 2 * inC * outC;
}

const isProduct = ({ use }: Inspected): boolean => use.kernel.label.startsWith('conv_gemm');

/** Microseconds on the measured GPU, if only arithmetic and memory copies took time. */
function leastTime({ shape, choice, kernels }: InspectedLayer, at: number): number {
  return kernels.reduce((sum, kernel) => {
    const memory = kernel.use.bytes / MEASURED.bandwidth / 1e3;
    if (!isProduct(kernel)) return sum + memory;
    const seen = kernel.on[at];
    const rate = MEASURED.roof * (seen ? share(seen) : 0) * filled(kernel.use.workgroups, MEASURED.multiprocessors);
    return sum + Math.max(memory, productFlops(shape, choice) / rate / 1e3);
  }, 0);
}

/** Compares each layer as one matrix product and by Winograd's algorithms. */
export function winogradTable(layers: readonly InspectedLayer[], at: number): Table {
  const plain = (layer: InspectedLayer) =>
    layers.find((l) => l.shape === layer.shape && l.direction === layer.direction && !/winograd/.test(l.choice));
  return {
    title: "Winograd's algorithms beside the convolution as one product",
    columns: ['layer', 'direction', 'choice', 'dispatches', 'GFLOP', 'share', 'MiB bound', 'least µs', '× gemm'],
    rows: layers.map((layer) => {
      const { shape, direction, choice, kernels } = layer;
      const main = kernels.find(isProduct)?.on[at];
      const bytes = kernels.reduce((sum, { use }) => sum + use.bytes, 0);
      const time = leastTime(layer, at);
      const before = plain(layer);
      return [
        shapeName(shape),
        direction,
        choice,
        String(kernels.reduce((sum, { use }) => sum + use.dispatches, 0)),
        figure(productFlops(shape, choice) / 1e9),
        main ? percent(share(main)) : '',
        figure(bytes / 2 ** 20),
        figure(time),
        before && before !== layer ? figure(leastTime(before, at) / time) : '',
      ];
    }),
    notes: [
      `Least µs: predicted for an ${MEASURED.gpu}, from ${MEASURED.roof} GFLOP/s × share × multiprocessors filled and ${MEASURED.bandwidth} GB/s. What a dispatch costs is not in it.`,
      '× gemm: how many times faster than one product, by that; below 1 it loses.',
    ],
  };
}

/** The transforms on one target. */
export function transformsTable(layers: readonly InspectedLayer[], title: string, at: number): Table {
  const all = layers.flatMap(({ kernels }) => kernels).filter(({ use }) => use.kernel.label.startsWith('winograd'));
  const distinct = new Map(all.map((kernel) => [kernel.use.kernel.label, kernel]));
  return {
    title: `Winograd's transforms, ${title}`,
    columns: ['kernel', ...KERNEL_COLUMNS],
    rows: [...distinct].sort().flatMap(([label, { on }]) => {
      const seen = on[at];
      return seen ? [[label, ...kernelCells(seen)]] : [];
    }),
    notes: ['Counts are of all instructions: there is no loop.'],
  };
}
