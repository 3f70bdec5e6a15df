import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { type LogLine, LogWriter, readLog } from '../../../../src/pix2pix/train/loop/folder/log.ts';

const line = (step: number, more: Partial<LogLine> = {}): LogLine => ({
  step,
  epoch: 1,
  lossD: 0.7,
  lossG: 40.25,
  lossAdv: 0.25,
  lossL1: 0.2,
  imagesPerSecond: 3.5,
  seconds: step * 2,
  ...more,
});

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtape-log-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(lines: LogLine[], resumeStep?: number): Promise<void> {
  const log = await LogWriter.open(path, resumeStep);
  for (const one of lines) await log.append(one);
  log.close();
}

it('writes one JSON object per line and reads it back', async () => {
  const lines = [line(1), line(2, { testL1: 0.19 })];
  await write(lines);
  const text = await readFile(path, 'utf8');
  expect(text.split('\n').map((row) => row && JSON.parse(row))).toEqual([...lines, '']);
  expect(await readLog(path)).toEqual(lines);
});

it('reads like an uninterrupted log after a resume from an earlier checkpoint', async () => {
  await write([1, 2, 3, 4, 5].map((step) => line(step)));
  await appendFile(path, '{"step":6,"epo'); // the run was killed here
  await write(
    [4, 5, 6].map((step) => line(step)),
    3,
  );
  const resumed = await readFile(path, 'utf8');
  await write([1, 2, 3, 4, 5, 6].map((step) => line(step)));
  expect(resumed).toBe(await readFile(path, 'utf8'));
});

it('starts empty without a resume, or on a resume without a log', async () => {
  await write([line(1)]);
  await write([]);
  expect(await readLog(path)).toEqual([]);
  await rm(path);
  expect(await readLog(path)).toEqual([]);
  await write([line(8)], 7);
  expect(await readLog(path)).toEqual([line(8)]);
});

it('drops an incomplete last line, but keeps a complete one without a line break', async () => {
  const whole = JSON.stringify(line(1));
  for (const torn of ['{', '{"step":2}', whole.slice(0, -9), '\0\0\0']) {
    await writeFile(path, `${whole}\n${torn}`);
    expect(await readLog(path)).toEqual([line(1)]);
  }
  await writeFile(path, `${whole}\n${JSON.stringify(line(2))}`);
  expect(await readLog(path)).toEqual([line(1), line(2)]);
});

it('names a damaged line that is not the last', async () => {
  await writeFile(path, `${JSON.stringify(line(1))}\n{"step":2,\n${JSON.stringify(line(3))}\n`);
  await expect(readLog(path)).rejects.toThrow(PixtapeError);
  await expect(readLog(path)).rejects.toThrow(/log\.jsonl, line 2/);
});

it('keeps a line whose losses are not finite', async () => {
  await write([line(1, { lossG: Number.NaN, lossL1: Infinity })]);
  expect(await readLog(path)).toEqual([line(1, { lossG: Number.NaN, lossL1: Number.NaN })]);
});

it('refuses to append after closing', async () => {
  const log = await LogWriter.open(path);
  log.close();
  log.close();
  await expect(log.append(line(1))).rejects.toThrow(/closed/);
});
