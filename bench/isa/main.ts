/** `npm run bench -- isa`: what a GPU's compiler makes of our kernels, without a GPU. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import type { MatrixUnit } from '../../src/engine/gpu/shader/matrix_unit.ts';
import { gemm } from '../../src/engine/ops/conv/algorithms/gemm/gemm.ts';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { PRESETS } from '../../src/pix2pix/train/config/config.ts';
import { COMPARED, chosen } from '../conv/shapes.ts';
import { repositoryRoot } from '../open.ts';
import { shapeName } from '../peers/peer.ts';
import { asMarkdown, asText, type Table } from '../report/table.ts';
import { type KernelUse, layerKernels, stepKernels } from './cases.ts';
import { Inspector, type Target } from './inspect.ts';
import { matrixTable, pickMatrix, rdna3Unit } from './matrix.ts';
import { MEASURED } from './measured.ts';
import { DawnCompiler } from './mesa/dawn.ts';
import { Radv } from './mesa/radv.ts';
import { type Inspected, type InspectedLayer, layerTable, predictionTable, stepTable, wantedTable } from './report.ts';
import { FORMS, pickForm, transformsTable, winogradTable } from './winograd.ts';

interface Flags {
  rows: string;
  steps: boolean;
  dump?: string;
  check?: boolean;
  out?: string;
}

/** The first target: RDNA 3 in waves of 32. */
const MATRIX_TARGET = 0;

const HELP = `
Mesa's driver for AMD GPUs compiles every kernel of a training step and of the compared layers for RDNA 2 and RDNA 3,
without such a GPU, and tells what came out. It takes lavapipe and libvulkan_radeon of Mesa 24.1 or newer.

Examples:
  npm run bench -- isa                           all of it: a table in bench/results/
  npm run bench -- isa --no-steps --rows @64     only the layers whose name holds "@64"
  npm run bench -- isa --dump /tmp/isa           and the machine code of each kernel, a file each
  npm run bench -- isa --check                   fails where a convolution misses its target on RDNA 3`;

const flags = new Command('npm run bench -- isa')
  .description("What a GPU's compiler makes of the kernels: registers, memory, and the instructions of their loops.")
  .option('--rows <text>', 'only layers whose name holds this text', '')
  .option('--no-steps', 'leave out the training steps')
  .option('--dump <dir>', 'write the machine code here')
  .option('--check', 'fail where a target is missed')
  .option('--out <dir>', 'folder for the results (default: bench/results)')
  .addHelpText('after', HELP)
  .parse()
  .opts<Flags>();

const status = await main().catch((error: Error) => {
  console.error(error instanceof PixtapeError ? error.message : error);
  return 1;
});
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));

async function main(): Promise<number> {
  const [rdna2, rdna3] = [Radv.open('navi21'), Radv.open('navi31')];
  const targets: Target[] = [
    { title: 'RDNA 3, waves of 32', gpu: rdna3, wave: 32 },
    { title: 'RDNA 3, waves of 64', gpu: rdna3, wave: 64 },
    { title: 'RDNA 2, waves of 64', gpu: rdna2, wave: 64 },
  ];
  const dawn = await DawnCompiler.open();
  const tables: Table[] = [];
  const show = (...shown: Table[]) => {
    for (const table of shown) console.log(asText(table));
    tables.push(...shown);
  };
  try {
    const inspector = new Inspector(dawn);
    const inspect = async (uses: readonly KernelUse[], only?: readonly number[]): Promise<Inspected[]> => {
      const inspected: Inspected[] = [];
      const on = targets.filter((_, at) => only?.includes(at) ?? true);
      for (const use of uses) inspected.push({ use, on: await inspector.inspect(use.kernel, on) });
      return inspected;
    };
    const layersBy = async (
      pick?: (names: readonly string[]) => string,
      unit?: MatrixUnit,
    ): Promise<InspectedLayer[]> => {
      const layers: InspectedLayer[] = [];
      for (const shape of chosen(COMPARED, flags.rows)) {
        process.stderr.write(`… ${shapeName(shape)}\n`);
        for (const { direction, choice, uses } of await layerKernels(dawn.device, shape, pick, unit)) {
          layers.push({
            shape,
            direction,
            choice,
            kernels: await inspect(unit ? uses.slice(0, 1) : uses, unit && [MATRIX_TARGET]),
          });
        }
      }
      return layers;
    };
    const layers = await layersBy();
    show(...targets.map((_, at) => layerTable(layers, targets, at)));
    const winograd: InspectedLayer[] = [];
    for (const outputs of FORMS) winograd.push(...(await layersBy(pickForm(outputs))));
    // Waves of 64 issue one instruction at a time, as NVIDIA's warps do.
    show(winogradTable([...layers, ...winograd], 1), transformsTable(winograd, targets[1]?.title ?? '', 1));
    const unit = rdna3Unit(dawn.device.capabilities.matrixUnit);
    const matrices = unit ? await layersBy(pickMatrix, unit) : [];
    if (unit) show(matrixTable(matrices, layers, MATRIX_TARGET));
    else console.log('Products of halves are left out: this lavapipe has no matrices of subgroups (Mesa 25.2 has).\n');
    const shader = createHash('sha256').update(gemm.sources.join('')).digest('hex').slice(0, 16);
    if (!flags.rows) show(predictionTable(layers, 1, shader === MEASURED.shader));
    const dumped = [...layers, ...winograd, ...matrices].flatMap(({ shape, direction, kernels }) =>
      kernels.map((kernel) => ({ name: `${shapeName(shape)} ${direction} ${kernel.use.kernel.label}`, kernel })),
    );
    for (const name of flags.steps ? (['quick', 'tutorial'] as const) : []) {
      process.stderr.write(`… step ${name}\n`);
      const kernels = await inspect(await stepKernels(dawn.device, PRESETS[name]));
      show(...targets.map((_, at) => stepTable(name, kernels, targets, at)));
      dumped.push(...kernels.map((kernel, i) => ({ name: `${name} ${i} ${kernel.use.kernel.label}`, kernel })));
    }
    const wanted = wantedTable(layers, targets, [0, 1]);
    show(wanted.table);
    if (flags.dump) dump(flags.dump, dumped, targets);
    write(rdna3, dawn, shader, tables);
    return flags.check && wanted.missed > 0 ? 1 : 0;
  } finally {
    dawn.close();
  }
}

function dump(
  folder: string,
  kernels: readonly { name: string; kernel: Inspected }[],
  targets: readonly Target[],
): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, kernel } of kernels) {
    targets.forEach(({ title }, at) => {
      const file = `${name} ${title}`.replace(/[^\w.@×→]+/g, '-');
      const seen = kernel.on[at];
      if (seen) writeFileSync(join(folder, `${file}.s`), seen.assembly);
    });
  }
  console.log(`wrote the machine code of ${kernels.length} kernels to ${folder}`);
}

function write(radv: Radv, dawn: DawnCompiler, shader: string, tables: readonly Table[]): void {
  const date = new Date().toISOString().slice(0, 10);
  const folder = flags.out ?? join(repositoryRoot(), 'bench', 'results');
  const head = [
    `# What a GPU's compiler makes of the kernels, ${date}`,
    `Predicted, not measured: ${radv.name}, SPIR-V by Dawn on ${dawn.device.description}; conv_gemm.wgsl ${shader}.`,
  ];
  const partial = flags.rows || !flags.steps ? '-part' : '';
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `isa-${date}${partial}.md`);
  writeFileSync(file, `${[...head, ...tables.map(asMarkdown)].join('\n\n')}\n`);
  console.log(`wrote ${relative(process.cwd(), file)}`);
}
