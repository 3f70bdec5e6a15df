import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { isTerminal } from '../../../../src/files/lock/process.ts';
import { Progress } from '../../../../src/pix2pix/train/loop/progress.ts';

/** A stream that keeps what is written to it, like a terminal or a file. */
function sink(isTTY: boolean, columns = 200) {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  Object.assign(stream, { isTTY, columns });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

function start(isTTY: boolean, startStep = 0, limitSeconds?: number, columns?: number) {
  const clock = { ms: 0 };
  const out = sink(isTTY, columns);
  const progress = new Progress({ stream: out.stream, bar: isTTY, now: () => clock.ms });
  progress.start(100, startStep, limitSeconds);
  return { progress, clock, text: out.text };
}

it('writes a plain line every few seconds without a terminal, and the last state', () => {
  const { progress, clock, text } = start(false);
  for (let step = 1; step <= 25; step++) {
    clock.ms += 500;
    progress.update(step, { imagesPerSecond: 8, lossG: 12.3456, lossD: 0.5 });
  }
  progress.note('saved');
  progress.stop();
  progress.stop();
  expect(text().split('\n')).toEqual([
    ' 10% · step 10/100 · 8.00 img/s · ETA 45 s · G 12.346 · D 0.500',
    ' 20% · step 20/100 · 8.00 img/s · ETA 40 s · G 12.346 · D 0.500',
    'saved',
    ' 25% · step 25/100 · 8.00 img/s · ETA 38 s · G 12.346 · D 0.500',
    '',
  ]);
});

it('computes the pace of this session only, and uses the time limit if that ends the run first', () => {
  const { progress, clock, text } = start(false, 50, 20);
  clock.ms = 5000;
  progress.update(55); // 45 steps would take 45 s more, but 15 s are left
  expect(text()).toBe(' 55% · step 55/100 · ETA 15 s\n');
  clock.ms = 18_000;
  progress.update(68);
  expect(text().split('\n')[1]).toBe(' 90% · step 68/100 · ETA 2 s');
  progress.stop();
});

it('says what happens between steps while it happens', () => {
  const { progress, clock, text } = start(false);
  clock.ms = 5000;
  progress.update(10, { lossG: 1 });
  clock.ms = 7000;
  progress.activity('painting 1/9');
  clock.ms = 11_000;
  progress.activity('painting 8/9');
  progress.activity();
  progress.stop();
  expect(text().split('\n')).toEqual([
    ' 10% · step 10/100 · ETA 45 s · G 1.000',
    ' 10% · step 10/100 · painting 8/9 · ETA 1 min 39 s · G 1.000',
    '',
  ]);
});

it('draws a bar on a terminal, with lines above it, and can be stopped twice', () => {
  const { progress, clock, text } = start(true);
  clock.ms = 1000;
  progress.update(50, { imagesPerSecond: 31.25, lossG: 7, lossD: 0.69 });
  progress.note('checkpoint saved');
  expect(text()).toContain('checkpoint saved\n');
  expect(text()).toMatch(/█+░+\s+50% │ step 50\/100 · 31\.3 img\/s · ETA 1 s · G 7\.000 · D 0\.690/);
  expect(text().lastIndexOf('step 50')).toBeGreaterThan(text().indexOf('checkpoint saved'));
  progress.stop();
  const after = text();
  progress.stop();
  progress.update(60);
  expect(text()).toBe(after);
  progress.note('done');
  expect(text()).toBe(`${after}done\n`);
});

it('draws at most ten times a second, and the last state at the end', () => {
  const { progress, clock, text } = start(true);
  for (let step = 1; step <= 50; step++) {
    clock.ms = step * 20;
    progress.update(step);
  }
  progress.stop();
  const steps = [...text().matchAll(/step (\d+)\//g)].map((match) => Number(match[1]));
  expect(steps).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 50]);
  expect(text().endsWith('\n')).toBe(true);
});

it('drops what a narrow terminal has no room for, and wraps notes', () => {
  const { progress, clock, text } = start(true, 0, undefined, 40);
  clock.ms = 10_000;
  progress.update(50, { imagesPerSecond: 31.25, lossG: 7, lossD: 0.69 });
  const note = 'step 50: held-out L1 0.1621 (copying the input: 0.0808)';
  progress.note(note);
  progress.activity('painting 100/217');
  clock.ms = 11_000;
  progress.update(51);
  progress.stop();
  expect(text()).toContain(`${note}\n`);
  const drawn = text()
    .split('\r')
    .map((part) => part.split('\u001b')[0] ?? '');
  const bars = drawn.filter((part) => part.includes('│'));
  expect(bars).toContain(' ███░░░  50% │ step 50/100 · ETA 10 s');
  expect(bars.length).toBeGreaterThan(1);
  for (const bar of bars) expect(bar.length).toBeLessThan(40);
});

it('draws no bar on a terminal that cannot, or in the log of a build server', () => {
  expect(isTerminal({ isTTY: true }, {})).toBe(true);
  expect(isTerminal({ isTTY: true }, { TERM: 'xterm-256color', CI: 'false' })).toBe(true);
  expect(isTerminal({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(isTerminal({ isTTY: true }, { CI: 'true' })).toBe(false);
  expect(isTerminal({}, {})).toBe(false);
});

it('can run again after a stop, and accepts notes before a start', () => {
  const out = sink(false);
  const progress = new Progress({ stream: out.stream, now: () => 0 });
  progress.note('preparing');
  progress.update(3);
  progress.start(10);
  progress.stop();
  progress.start(Number.POSITIVE_INFINITY, 4, 60);
  progress.update(5);
  progress.stop();
  expect(out.text()).toBe('preparing\n  0% · step 0/10\n  0% · step 5 · ETA 1 min 00 s\n');
});
