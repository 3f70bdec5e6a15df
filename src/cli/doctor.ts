import { createRequire } from 'node:module';
import { homedir, release } from 'node:os';
import { version } from '../../package.json';
import { MpiLibrary } from '../distributed/mpi/library.ts';
import {
  type Advice,
  adviseFaster,
  type CandidateReport,
  fitsChoice,
  resolveChoice,
  surveyAdapters,
} from '../drivers/index.ts';
import { osRelease } from '../drivers/os_release.ts';
import { MATRIX_FEATURE } from '../engine/gpu/shader/matrix_unit.ts';
import { formatBytes } from '../engine/util/format.ts';
import { cacheDirectory } from '../files/cache.ts';
import { isTerminal } from '../files/lock/process.ts';
import { Command } from './flags/commander.ts';
import { withRanks } from './run/ranks.ts';
import { columns } from './shared/columns.ts';

/** The limits that decide what can run, in display order. */
const byteLimits = {
  maxBufferSize: 'largest buffer',
  maxStorageBufferBindingSize: 'largest storage binding',
  maxUniformBufferBindingSize: 'largest uniform binding',
  maxComputeWorkgroupStorageSize: 'workgroup memory',
};
const countLimits = {
  maxComputeInvocationsPerWorkgroup: 'invocations in a workgroup',
  maxComputeWorkgroupsPerDimension: 'workgroups per dimension',
  maxStorageBuffersPerShaderStage: 'storage buffers in a shader',
};
/** Features that the engine uses if available. They are listed before the others. */
const usedFeatures: readonly string[] = ['subgroups', 'shader-f16', 'timestamp-query', MATRIX_FEATURE];

interface Diagnosis {
  pixtape: string;
  node: string;
  system: string;
  dawn: string;
  cache: string;
  /** The driver that a run with this --adapter would use; null if none fits. */
  chosen: string | null;
  candidates: CandidateReport[];
  faster: Advice;
  /** The MPI library for training in several processes, or why there is none. */
  mpi: string;
  /** If an MPI launcher has started several processes: what each would compute on. */
  ranks?: string[];
}

export function doctorCommand() {
  return new Command('doctor')
    .description(
      'show which GPU or software drivers were found, which one a run takes and why, and how to get a faster one',
    )
    .option('--adapter <choice>', 'auto, gpu, lavapipe, swiftshader, fallback, or part of a name (or PIXTAPE_ADAPTER)')
    .option('--json', 'print everything as JSON')
    .addHelpText('after', '\nExits with 1 when no adapter works, or none fits --adapter.')
    .action(({ json, adapter }: { json?: boolean; adapter?: string }) =>
      withRanks('auto', async (ranks) => {
        ranks?.chooseGpu();
        const diagnosis = await diagnose(resolveChoice(adapter ?? 'auto'));
        if (ranks) diagnosis.ranks = await ranks.named(chosenOf(diagnosis)?.description ?? 'no adapter');
        if (ranks?.first ?? true) {
          process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : render(diagnosis));
        }
        if (diagnosis.chosen === null) process.exitCode = 1;
      }),
    );
}

async function diagnose(choice: string): Promise<Diagnosis> {
  const candidates = await surveyAdapters(choice, showTrial);
  showTrial();
  const dawn = createRequire(import.meta.url)('webgpu/package.json') as { version: string };
  return {
    pixtape: version,
    node: process.version,
    system: systemName(),
    dawn: `webgpu ${dawn.version} (npm)`,
    cache: cacheDirectory(),
    chosen: candidates.find((c) => c.ok && fitsChoice(choice, c))?.kind ?? null,
    candidates,
    faster: adviseFaster(candidates),
    mpi: await mpiHere(),
  };
}

async function mpiHere(): Promise<string> {
  try {
    const { version: library, file } = await MpiLibrary.open(process.env);
    return `${library} (${file})`;
  } catch (error) {
    return (error as Error).message.split('\n')[0] as string;
  }
}

const chosenOf = (d: Diagnosis) => d.candidates.find((c) => c.ok && c.kind === d.chosen);

/** Shows on a terminal which driver is being tried, which can take a while. */
function showTrial(description?: string): void {
  if (isTerminal(process.stderr)) process.stderr.write(`\r\x1b[K${description ? `trying: ${description} …` : ''}`);
}

function systemName(): string {
  const platform = `${process.platform} ${process.arch}`;
  if (process.platform !== 'linux') return `${platform}, release ${release()}`;
  return `${platform}, ${osRelease().name || `kernel ${release()}`}`;
}

function render(d: Diagnosis): string {
  const chosen = chosenOf(d);
  const cache = d.cache.startsWith(homedir()) ? d.cache.replace(homedir(), '~') : d.cache;
  const blocks = [
    columns([
      ['pixtape', d.pixtape],
      ['Node', d.node],
      ['system', d.system],
      ['Dawn', d.dawn],
      ['cache', cache],
      ['MPI', d.mpi],
    ]),
    `Adapters, in the order in which they are tried\n${indent(columns(d.candidates.map((c) => candidateRow(c, c === chosen))))}`,
  ];
  if (chosen) blocks.push(`What ${chosen.kind} offers\n${indent(columns(adapterRows(chosen)))}`);
  else blocks.push(`No adapter ${d.candidates.some((c) => c.ok) ? 'fits that choice' : 'works here'}.`);
  if (d.ranks) blocks.push(`What each rank computes on\n${indent(d.ranks.join('\n'))}`);
  const faster = d.faster.command ? `${d.faster.command}\n${d.faster.text}` : d.faster.text;
  blocks.push(`To get something faster\n${indent(faster)}`);
  return `${blocks.join('\n\n')}\n`;
}

function candidateRow(c: CandidateReport, chosen: boolean): string[] {
  if (!c.ok) return [c.kind, 'passed over', c.reason ?? ''];
  return [c.kind, chosen ? 'chosen' : 'works', c.description];
}

function adapterRows({ adapter, icd, withoutHalves, withoutMatrices }: CandidateReport): string[][] {
  if (!adapter) return [];
  const { limits, features, subgroupMinSize: least, subgroupMaxSize: most } = adapter;
  const used = features.filter((f) => usedFeatures.includes(f));
  const others = features.filter((f) => !usedFeatures.includes(f));
  return [
    ...(icd ? [['driver file', icd]] : []),
    ['vendor', [adapter.vendor, adapter.architecture].filter(Boolean).join(', ') || 'not told'],
    ['subgroup size', least === most ? String(least || 'not told') : `${least} to ${most}`],
    ...Object.entries(byteLimits).map(([name, text]) => [text, formatBytes(limits[name] ?? 0)]),
    ...Object.entries(countLimits).map(([name, text]) => [text, (limits[name] ?? 0).toLocaleString('en')]),
    ['features used', used.join(', ') || 'none'],
    ...(withoutHalves === undefined ? [] : [['without shader-f16', withoutHalves]]),
    ...(withoutMatrices === undefined ? [] : [['without its matrix unit', withoutMatrices]]),
    ...wrap(others.join(', '), 84).map((line, i) => [i === 0 ? 'other features' : '', line]),
  ];
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
