import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fileName } from '../../src/files/file_name.ts';
import { writeFileAtomic } from '../../src/files/files.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-names-'));
afterAll(() => rmSync(home, { recursive: true }));

it('names of up to 255 bytes stay unchanged, and can be written', async () => {
  for (const stem of ['x'.repeat(251), 'é'.repeat(125), `${'語'.repeat(83)}ab`]) {
    const name = fileName(stem, '.png');
    expect(name).toBe(`${stem}.png`);
    await writeFileAtomic(join(home, name), 'content');
  }
  expect(readdirSync(home).length).toBe(3);
});

it('longer ones are cut to 255, and stay different', async () => {
  const names = ['a', 'b'].map((end) => fileName(`${'é語'.repeat(60)}${end}`, '.png'));
  expect(new Set(names).size).toBe(2);
  for (const name of names) {
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(Buffer.byteLength(name)).toBeGreaterThan(250);
    expect(name).toMatch(/^(é語)+é?~[0-9a-f]{8}\.png$/);
    await writeFileAtomic(join(home, name), 'content');
  }
});
