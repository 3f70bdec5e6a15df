import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from 'vitest/node';

/** The result of a run for .ci/run, in the file that PIXTAPE_TEST_SUMMARY names. */
export interface Summary {
  passed: number;
  /** One line per failed test, per file that could not be run, and per error outside the tests. */
  failed: string[];
  /** How many tests were skipped, by reason. */
  skipped: Record<string, number>;
  /** Long tests, which `npm test` leaves out. */
  leftOut: number;
}

/** Ends a run's output with one line: passed, failed and skipped tests, with reasons, and those left out. */
export default class implements Reporter {
  /** Whether tests were selected by name (`-t`); the others are then not counted. */
  private named = false;

  onInit({ config }: Vitest): void {
    this.named = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const summary = summarise(modules, errors, this.named);
    const file = process.env.PIXTAPE_TEST_SUMMARY;
    if (file) writeFileSync(file, JSON.stringify(summary));
    console.log(lastLine(summary));
  }
}

export function lastLine({ passed, failed, skipped, leftOut }: Summary): string {
  const reasons = Object.entries(skipped).map(([reason, count]) => `${count} × ${reason}`);
  const skips = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  return [
    `${passed} passed, ${failed.length} failed`,
    ...(skips > 0 ? [`${skips} skipped (${reasons.join('; ')})`] : []),
    ...(leftOut > 0 ? [`${leftOut} long ones left out, which npm run test:all runs`] : []),
  ].join(', ');
}

function summarise(modules: readonly TestModule[], errors: readonly SerializedError[], named: boolean): Summary {
  const summary: Summary = { passed: 0, failed: [], skipped: {}, leftOut: 0 };
  for (const module of modules) {
    const failedBefore = summary.failed.length;
    for (const test of module.children.allTests()) count(test, module, summary, named);
    if (module.state() === 'failed' && summary.failed.length === failedBefore) {
      const why = module.errors()[0]?.message ?? 'a hook of its failed';
      summary.failed.push(`${module.relativeModuleId}: ${oneLine(why)}`);
    }
  }
  summary.failed.push(...errors.map(({ message }) => `outside the tests: ${oneLine(message)}`));
  return summary;
}

function count(test: TestCase, module: TestModule, summary: Summary, named: boolean): void {
  const result = test.result();
  if (result.state === 'passed') summary.passed++;
  else if (result.state === 'failed') summary.failed.push(`${module.relativeModuleId}: ${oneLine(test.fullName)}`);
  else if (result.state === 'skipped') {
    if (result.note === undefined && named) return;
    if (result.note === undefined && test.tags.includes('long')) summary.leftOut++;
    else {
      const reason = result.note ?? `no reason given in ${module.relativeModuleId}`;
      summary.skipped[reason] = (summary.skipped[reason] ?? 0) + 1;
    }
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
