import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LogLine } from '../../../../src/pix2pix/train/loop/folder/log.ts';
import { curves } from '../../../../src/pix2pix/train/report/curves.ts';
import { type ReportData, renderReport, writeReport } from '../../../../src/pix2pix/train/report/report.ts';
import { sampleGrid } from '../../../../src/pix2pix/train/sheets/grid.ts';

const NASTY = `</script><script>alert("x")</script> & 'b' <img src=http://evil.example/x>`;

const line = (step: number): LogLine => ({
  step,
  epoch: 1,
  lossD: 0.7,
  lossG: 40 / step,
  lossAdv: 0.3,
  lossL1: 0.2 / step,
  lossSsim: 0.1,
  imagesPerSecond: 3,
  seconds: step * 2,
  ...(step % 10 === 0 ? { testL1: 0.3 / step } : {}),
});

const picture = new Float32Array(3 * 8 * 8);
const png = await sampleGrid([{ condition: picture, fake: picture, real: picture }], 8, 8);

function data(more: Partial<ReportData> = {}): ReportData {
  return {
    title: 'faces',
    config: { lr: 2e-4, model: { hidden: 8, depth: 4 }, groups: ['a', 'b'], skip: undefined },
    adapter: 'llvmpipe',
    log: Array.from({ length: 30 }, (_, i) => line(i + 1)),
    samples: [1, 10, 30].map((step) => ({ step, png })),
    baseline: { label: 'copying the input', value: 0.087 },
    finished: true,
    ...more,
  };
}

/** The curves as the page's own script reads them. */
function embedded(html: string) {
  return JSON.parse(/<script type="application\/json" id="curves">(.*?)<\/script>/s.exec(html)![1]!);
}

it('escapes every name, in markup and in the data', () => {
  const html = renderReport(
    data({
      title: NASTY,
      config: { [NASTY]: NASTY, nested: { [NASTY]: [NASTY] } },
      adapter: NASTY,
      credits: NASTY,
      summary: [{ label: NASTY, value: NASTY }],
      baseline: { label: NASTY, value: 0.1 },
    }),
  );
  expect(html).not.toContain('<script>alert');
  expect(html).not.toContain('<img src=http');
  expect(html.match(/<script/g)).toHaveLength(3);
  expect(html.match(/<\/script/g)).toHaveLength(3);
  expect(embedded(html)[0].baseline.label).toBe(NASTY);
});

it('makes no network requests', () => {
  const html = renderReport(data());
  const markup = html.replace(/<script>[\s\S]*?<\/script>/g, '');
  for (const [, url] of markup.matchAll(/(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^data:/);
  expect(markup).not.toMatch(/url\(|@import|https?:/);
  expect(html).toContain(`content="default-src 'none'; img-src data:;`);
});

it('shows each picture with its step, the last one first, and the configuration', () => {
  const html = renderReport(data());
  const images = [
    ...html.matchAll(/<img data-step="(\d+)" alt="([^"]+)" src="data:image\/png;base64,([^"]+)"( hidden)?>/g),
  ];
  expect(images.map((image) => image[1])).toEqual(['1', '10', '30']);
  expect(images.map((image) => Boolean(image[4]))).toEqual([true, true, false]);
  expect(images[1]![2]).toContain('step 10');
  expect(Buffer.compare(Buffer.from(images[0]![3]!, 'base64'), data().samples[0]!.png)).toBe(0);
  expect(html).toContain('<th scope="row">model.hidden</th><td>8</td>');
  expect(html).toContain('<th scope="row">lr</th><td>0.0002</td>');
  expect(html).not.toContain('<th scope="row">skip<');
});

it('thins out the pictures of a long run and says so', () => {
  const samples = Array.from({ length: 100 }, (_, step) => ({ step, png: new Uint8Array([1]) }));
  const html = renderReport(data({ samples }));
  const steps = [...html.matchAll(/data-step="(\d+)"/g)].map((match) => Number(match[1]));
  expect(steps).toHaveLength(40);
  expect([steps[0], steps.at(-1)]).toEqual([0, 99]);
  expect(html).toContain('40 of 100 pictures');
});

it('carries its style sheets and the plotting library', () => {
  const html = renderReport(data());
  expect(html).toContain('prefers-color-scheme: dark');
  expect(html).toContain('.u-legend');
  expect(html).toContain('var uPlot=');
  expect(html).toContain("getElementById('curves')");
});

it('says whether the run is still in progress', () => {
  expect(renderReport(data())).not.toContain('Training goes on');
  expect(renderReport(data({ finished: false }))).toContain('state at step 30');
  expect(renderReport(data({ log: [], samples: [], finished: false }))).toContain('No step has been logged yet');
});

it('draws every curve, and held-out points at the steps where they were measured', () => {
  const [l1, generator, disc, adversarial, structure, speed] = embedded(renderReport(data()));
  expect(generator.values).toEqual(data().log.map((one) => one.lossG));
  expect(disc.values[4]).toBe(0.7);
  expect(adversarial.values[4]).toBe(0.3);
  expect(structure.values[4]).toBe(0.1);
  expect(speed.values[4]).toBe(3);
  expect(l1.steps).toEqual(data().log.map((one) => one.step));
  expect(l1.heldOut.filter((value: number | null) => value !== null)).toEqual([0.03, 0.015, 0.01]);
  expect(l1.heldOut[9]).toBe(0.03);
  expect(l1.note).toContain('held-out 0.01 at step 30; copying the input 0.087');
});

it('averages a long log, keeps its held-out points, and leaves a gap where a loss is not finite', () => {
  const log = Array.from({ length: 6000 }, (_, i) => line(i + 1));
  log[5] = { ...log[5]!, lossG: Number.NaN };
  const [l1, generator] = curves(log);
  expect(generator!.values).toHaveLength(1500);
  expect(generator!.values[0]).toBeCloseTo((40 + 20 + 40 / 3 + 10) / 4);
  expect(generator!.values[1]).toBeNull();
  expect(generator!.note).toContain('not finite');
  expect(l1!.heldOut!.filter((value) => value !== null)).toHaveLength(600);
});

it('writes report.html into the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pixtape-report-'));
  const path = await writeReport(folder, data());
  expect(path).toBe(join(folder, 'report.html'));
  expect(await readFile(path, 'utf8')).toBe(renderReport(data()));
  await rm(folder, { recursive: true });
});
