import type { Timing } from '../measure.ts';
import { figure, spread } from '../report/table.ts';
import type { Bench, SectionResult } from '../section.ts';
import { HOST_CASE, STEP_CASES } from './cases.ts';
import { firstStepTable, measureFirstSteps } from './first_steps.ts';
import { StepModel } from './model.ts';

/** Times the host's part of a step: replaying it without waiting for the device, and reaching the first one. */
export async function hostSection(bench: Bench): Promise<SectionResult> {
  const cases = [HOST_CASE, ...STEP_CASES.filter((step) => !step.slow)].filter((step) => {
    return step.name.includes(bench.rows) && !(bench.quick && step.slow);
  });
  const rows: { name: string; host: Timing; shaders: number; dispatches: number }[] = [];
  for (const { name, config } of cases) {
    bench.progress(`host ${name}`);
    const model = await StepModel.open(config, false);
    try {
      for (let i = 0; i < bench.rounds.rounds + 2; i++) await model.train(1);
      rows.push({ name, host: model.host, shaders: model.shaders, dispatches: model.dispatches });
    } finally {
      model.close();
    }
  }
  const firsts = await measureFirstSteps(bench);
  return {
    data: { replays: rows, firsts },
    tables: [
      {
        title: 'Replaying a step, host side',
        columns: ['model', 'host ms', 'min–max', 'dispatches', 'µs a dispatch', 'shaders'],
        rows: rows.map(({ name, host, dispatches, shaders }) => [
          name,
          figure(host.median),
          spread(host),
          String(dispatches),
          figure((host.median * 1000) / dispatches),
          String(shaders),
        ]),
        notes: [
          'JavaScript from the batch to the submit, the device idle before and not waited for (wanted of quick: 1.5 ms at most).',
        ],
      },
      firstStepTable(firsts),
    ],
    checks: [],
    points: [],
  };
}
