import { expect, it } from 'vitest';
import { longRun, timeLine } from '../../../src/cli/run/text.ts';
import { inPhase, timeSpent } from '../../../src/pix2pix/train/loop/phases.ts';

/** A run's report on its time. */

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

it('adds up the phases of a process: training without interruptions, and a rest that completes the total', async () => {
  performance.clearMeasures(); // of other tests in this process
  const before = performance.now() / 1000;
  await inPhase('kernels', () => wait(30));
  await inPhase('training', async () => {
    await wait(20);
    await inPhase('measuring', () => wait(200));
    await expect(inPhase('measuring', () => Promise.reject(new Error('stopped')))).rejects.toThrow('stopped');
    await inPhase('checkpoints', () => wait(50));
  });
  const spent = new Map(timeSpent().map(({ phase, seconds }) => [phase, seconds]));
  expect(spent.get('packages')).toBe(0);
  expect(spent.get('kernels')).toBeGreaterThan(0.025);
  expect(spent.get('measuring')).toBeGreaterThan(0.19);
  expect(spent.get('training')).toBeLessThan(0.19);
  expect([...spent.values()].reduce((a, b) => a + b)).toBeCloseTo(performance.now() / 1000, 1);
  expect(spent.get('the rest')).toBeGreaterThan(before - 0.1);
});

it('leaves short phases to the rest', () => {
  const spent = [
    { phase: 'packages', seconds: 43.2 },
    { phase: 'driver', seconds: 0.3 },
    { phase: 'training', seconds: 90 },
    { phase: 'the rest', seconds: 2 },
  ];
  expect(timeLine(spent)).toBe('2 min 16 s: packages 43 s, training 1 min 30 s, the rest 2 s');
});

it('names what would be faster, if anything', () => {
  const advice = { command: 'npm run lavapipe', text: "lavapipe, Mesa's CPU driver" };
  expect(longRun(1084, advice)).toMatch(/about 18 min 04 s;.*Ctrl-C.*\n +faster with lavapipe.*: npm run lavapipe$/s);
  expect(longRun(1084, { text: 'nothing: a GPU is in use' })).not.toContain('faster');
});
