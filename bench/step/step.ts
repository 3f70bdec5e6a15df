import { formatBytes } from '../../src/engine/util/format.ts';
import { interleave, type Outcome, type Timing, timing } from '../measure.ts';
import { figure, percent, spread, type Table } from '../report/table.ts';
import { atMost, type Bench, type SectionResult } from '../section.ts';
import { STEP_CASES, type StepCase } from './cases.ts';
import { firstStepTable, measureFirstSteps } from './first_steps.ts';
import { type StepMemory, StepModel, type StepProfile } from './model.ts';

const SLOW_ROUNDS = 3;
const GROUPS_SHOWN = 10;
const MILLI = 1000;

interface StepRow {
  step: StepCase;
  parameters: number;
  outcomes: Map<string, Outcome>;
  host: Timing;
  shaders: number;
  dispatches: number;
  memory: StepMemory;
  profile: StepProfile;
  notes: string[];
}

/** Times whole training steps, ours and PyTorch's, and the kernels of ours. */
export async function stepSection(bench: Bench): Promise<SectionResult> {
  const cases = STEP_CASES.filter((step) => step.name.includes(bench.rows) && !(bench.quick && step.slow));
  const rows: StepRow[] = [];
  const failures: string[] = [];
  for (const step of cases) {
    try {
      rows.push(await measureStep(bench, step));
    } catch (error) {
      failures.push(`${step.name} failed: ${(error as Error).message}`);
    }
  }
  const firsts = await measureFirstSteps(bench);
  const outcomesOf = (step: StepCase) => rows.find((row) => row.step === step)?.outcomes ?? new Map();
  return {
    data: { steps: rows.map((row) => ({ ...row, outcomes: Object.fromEntries(row.outcomes) })), firsts },
    tables: [timeTable(rows, failures), needsTable(rows), ...rows.map(groupTable), firstStepTable(firsts)],
    checks: cases.flatMap((step) => {
      const wanted = step.wanted[bench.kind];
      if (wanted === undefined) return [];
      return [atMost(`step ${step.name}, PyTorch's time`, wanted, ratio(outcomesOf(step)), '×')];
    }),
    points: [],
  };
}

async function measureStep(bench: Bench, step: StepCase): Promise<StepRow> {
  bench.progress(`step ${step.name}: recording and compiling`);
  const notes: string[] = [];
  const ours = await StepModel.open(step.config);
  try {
    const entries = [{ name: 'pixtape', run: (times: number) => ours.train(times) }];
    const parameters = ours.model.generator.parameterCount + (ours.model.disc?.parameterCount ?? 0);
    const torch = await bench.pytorch();
    if ('reason' in torch) notes.push(`PyTorch did not take part: ${torch.reason}`);
    else {
      const { generator, disc } = await torch.ask({ do: 'open step', config: step.config });
      if (generator + disc !== parameters) throw new Error(`PyTorch's model has ${generator + disc} parameters`);
      const run = async (times: number) => (await torch.ask({ do: 'step', times })).ms as number;
      entries.push({ name: 'PyTorch', run });
    }
    bench.progress(`step ${step.name}`);
    const slow = step.slow && bench.device.capabilities.cpu;
    const rounds = slow ? { rounds: Math.min(SLOW_ROUNDS, bench.rounds.rounds), least: 0 } : bench.rounds;
    const outcomes = await interleave(entries, rounds);
    await ours.checkLosses();
    const { host, shaders, dispatches, memory } = ours;
    return { step, parameters, outcomes, host, shaders, dispatches, memory, profile: await ours.groups(), notes };
  } finally {
    ours.close();
  }
}

/** How many times PyTorch's time ours is. */
function ratio(outcomes: Map<string, Outcome>): number | undefined {
  const [ours, theirs] = [timing(outcomes.get('pixtape')), timing(outcomes.get('PyTorch'))];
  return ours && theirs ? ours.median / theirs.median : undefined;
}

function timeTable(rows: readonly StepRow[], failures: readonly string[]): Table {
  return {
    title: 'Training step',
    columns: ['model', 'ms', 'min–max', 'images/s', 'PyTorch ms', 'min–max', "of PyTorch's time"],
    rows: rows.map(({ step, outcomes }) => {
      const [ours, theirs] = [timing(outcomes.get('pixtape')), timing(outcomes.get('PyTorch'))];
      if (!ours) return [step.name, 'failed'];
      const own = [figure(ours.median), spread(ours), figure((step.config.batch * MILLI) / ours.median)];
      if (!theirs) return [step.name, ...own];
      return [step.name, ...own, figure(theirs.median), spread(theirs), `${figure(ours.median / theirs.median)}×`];
    }),
    notes: [
      ...failures,
      ...new Set(rows.flatMap((row) => row.notes)),
      ...rows.flatMap(({ step, outcomes }) =>
        [...outcomes].flatMap(([who, o]) => ('failed' in o ? [`${step.name}: ${who} failed: ${o.failed}`] : [])),
      ),
    ],
  };
}

function needsTable(rows: readonly StepRow[]): Table {
  return {
    title: 'What a step needs',
    columns: ['model', 'parameters', 'shaders', 'dispatches', 'host ms', 'GPU memory', 'peak', 'bound', 'peak / bound'],
    rows: rows.map(({ step, parameters, shaders, dispatches, host, memory: { bytes, peak, bound } }) => [
      step.name,
      parameters.toLocaleString('en'),
      String(shaders),
      String(dispatches),
      figure(host.median),
      ...[bytes, peak, bound].map(formatBytes),
      figure(peak / bound),
    ]),
    notes: [
      'Host: JavaScript to hand one step to the device, the batch included, without waiting (wanted of quick: 1.5 ms at most).',
      'Bound: weights, statistics, Adam and batch, and the most temporaries and gradients alive at one time (wanted: 1.15 at most).',
    ],
  };
}

const CLOCKS = { gpu: 'by timestamps of the device', host: 'each waited for' };

function groupTable({ step, profile: { clock, groups } }: StepRow): Table {
  const all = groups.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const shown = groups.slice(0, GROUPS_SHOWN);
  const rest = groups.slice(GROUPS_SHOWN);
  const sum = (key: 'milliseconds' | 'dispatches') => rest.reduce((total, group) => total + group[key], 0);
  const others = { label: `${rest.length} others`, milliseconds: sum('milliseconds'), dispatches: sum('dispatches') };
  return {
    title: `Where the time goes, ${step.name}`,
    columns: ['kernel', 'ms', 'share', 'dispatches'],
    rows: [...shown, ...(rest.length > 0 ? [others] : [])].map(({ label, milliseconds, dispatches }) => [
      label,
      figure(milliseconds),
      percent(milliseconds / all),
      String(dispatches),
    ]),
    notes: [`One step, dispatch by dispatch, ${CLOCKS[clock]}: ${figure(all)} ms in all.`],
  };
}
