import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { bundleScript } from '../../../files/script.ts';
import { temporaryFolders } from '../tiny.ts';

const newFolder = temporaryFolders();
// Below the package, so that the script can import sharp.
mkdirSync('dist', { recursive: true });
const scripts = mkdtempSync(join(process.cwd(), 'dist', 'test-fonts-'));
afterAll(() => rmSync(scripts, { recursive: true }));

/** Draws a word in a separate process, and returns its standard error. */
function complaint(before: string, env: Record<string, string>): string {
  const contents = `
    import sharp from 'sharp';
    import { configureFonts } from './src/pix2pix/train/sheets/fonts.ts';
    ${before}
    await sharp({ text: { text: 'word', dpi: 72 } }).raw().toBuffer();`;
  const script = bundleScript(contents, scripts, 'draw');
  const { FONTCONFIG_FILE, FONTCONFIG_PATH, ...rest } = process.env;
  return spawnSync(process.execPath, [script], { env: { ...rest, ...env }, encoding: 'utf8' }).stderr;
}

it('gives fontconfig a configuration if the system has none', ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux has no fonts without fontconfig');
  const folder = newFolder();
  const nowhere = join(folder, 'none', 'fonts.conf');
  // The message without it.
  expect(complaint('', { FONTCONFIG_FILE: nowhere })).toMatch(/Fontconfig error/);
  const quiet = `await configureFonts(${JSON.stringify(nowhere)});`;
  expect(complaint(quiet, { XDG_CACHE_HOME: folder })).toBe('');
  const file = join(folder, 'pixtape', 'fontconfig', 'fonts.conf');
  expect(readFileSync(file, 'utf8')).toContain('/usr/share/fonts');
  // A process that draws labels keeps its fonts when another begins to.
  expect(readFileSync(file, 'utf8')).toContain('<rescan><int>0</int></rescan>');
  utimesSync(file, 1, 1);
  expect(complaint(quiet, { XDG_CACHE_HOME: folder })).toBe('');
  expect(statSync(file).mtimeMs).toBe(1000);
});
