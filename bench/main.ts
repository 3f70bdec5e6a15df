/** `npm run bench`: measures the named sections, prints them, writes them to bench/results/; --check judges them. */
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { closeAdapter } from '../src/drivers/index.ts';
import { PixtapeError } from '../src/engine/util/errors.ts';
import { DEFAULT_ROUNDS } from './measure.ts';
import { openBench, repositoryRoot } from './open.ts';
import { checkTable, driverSlug, recordOf, rooflineTable, writeResults } from './report/results.ts';
import { asText, type Table } from './report/table.ts';
import type { SectionResult } from './section.ts';
import { ALL, SECTIONS, type SectionName } from './sections.ts';

interface Flags {
  adapter: string;
  rounds: number;
  rows: string;
  quick?: boolean;
  peers: boolean;
  check?: boolean;
  out?: string;
}

const names = Object.keys(SECTIONS) as SectionName[];
const HELP = `
Sections:
${names.map((name) => `  ${name.padEnd(8)} ${SECTIONS[name].about}`).join('\n')}
  isa      what a GPU's compiler makes of the kernels; by itself, see npm run bench -- isa --help

Examples:
  npm run bench                              everything; the file that the README's table comes from
  npm run bench -- conv memory --rounds 9    two sections, more rounds
  npm run bench -- conv --rows @64           only the layers whose name contains "@64"
  npm run bench -- peers --check             fails if a target in the report's last table is missed

With --check the exit status is 1 if a figure is missed and 2 if one could not be measured.`;

/** Load per core above which other processes disturb the figures. */
const BUSY = 0.5;
const root = repositoryRoot();
const command = new Command('npm run bench --')
  .description('Times the kernels, the operations that move memory and whole training steps, side by side with peers.')
  .addArgument(new Argument('[sections...]', 'what to measure (default: all)').choices(names))
  .option('--adapter <name>', 'as for pixtape: auto, gpu, lavapipe, swiftshader or part of a name', 'auto')
  .option('--rounds <n>', 'interleaved rounds of which the median is taken', wholeNumber, DEFAULT_ROUNDS.rounds)
  .option('--rows <text>', 'only rows whose name contains this text', '')
  .option('--quick', 'leave out what takes minutes on a CPU driver')
  .option('--no-peers', 'ours alone')
  .option('--check', 'fail if a target is missed')
  .option('--out <dir>', 'folder for the results (default: bench/results)')
  .addHelpText('after', HELP)
  .parse();

const flags = command.opts<Flags>();
if (flags.check && flags.rounds < DEFAULT_ROUNDS.rounds) {
  command.error(`error: --check judges medians of at least ${DEFAULT_ROUNDS.rounds} rounds, not of ${flags.rounds}`);
}
const asked = [...new Set(command.args as SectionName[])];
const sections = asked.length > 0 ? asked : ALL;
const status = await main().catch((error: Error) => {
  console.error(error instanceof PixtapeError ? error.message : error);
  return 1;
});
closeAdapter();
// Exit explicitly, because driver threads may keep the process alive; but only after piped output has been flushed.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));

async function main(): Promise<number> {
  const rounds = { ...DEFAULT_ROUNDS, rounds: flags.rounds };
  const progress = (text: string) => void process.stderr.write(`… ${text}\n`);
  const bench = await openBench({ ...flags, quick: flags.quick ?? false, rounds, progress });
  const tables: Table[] = [];
  let failed = false;
  const show = (...shown: Table[]) => {
    for (const table of shown) {
      // Two sections may share a measurement.
      if (tables.some((other) => isDeepStrictEqual(other, table))) continue;
      tables.push(table);
      console.log(asText(table));
    }
  };
  try {
    const record = await recordOf(bench, root);
    console.log(`${record.driver}; ${record.cpu}, ${record.cores} cores; Node ${record.node}\n`);
    if (record.load > BUSY * record.cores) {
      console.log(
        `This machine is busy (load ${record.load.toFixed(1)}), so the figures below are wrong. Measure when it is idle.\n`,
      );
    }
    const roofline = sections.some((name) => name !== 'step' && name !== 'host') ? await bench.roofline() : undefined;
    if (roofline) show(rooflineTable(roofline));
    const results: Record<string, SectionResult> = {};
    for (const name of sections) {
      try {
        const result = await SECTIONS[name].run(bench);
        results[name] = result;
        show(...result.tables);
      } catch (error) {
        // Keep the results of the other sections: they took minutes.
        failed = true;
        console.error(error);
        show({ title: `${name} failed`, columns: [], rows: [], notes: [(error as Error).message] });
      }
    }
    const checks = Object.values(results).flatMap((result) => result.checks);
    show(checkTable(checks));
    for (const { name, version } of bench.opened) record.versions[name] = version;
    const partial = asked.length > 0 || flags.rows || flags.quick || !flags.peers ? `-${[...sections].join('+')}` : '';
    const folder = flags.out ?? join(root, 'bench', 'results');
    const files = writeResults(folder, driverSlug(bench), partial, { record, roofline, sections: results }, tables);
    for (const file of files) console.log(`wrote ${relative(process.cwd(), file)}`);
    if (failed) return 1;
    if (!flags.check) return 0;
    if (checks.some(({ state }) => state === 'missed')) return 1;
    return checks.some(({ state }) => state === 'unmeasured') ? 2 : 0;
  } finally {
    bench.close();
  }
}

function wholeNumber(value: string): number {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return n;
}
