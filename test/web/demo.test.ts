import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');

it('npm run web builds the page, prints a link to it, and ends with Ctrl-C', { timeout: 180_000 }, async () => {
  const child = spawn(process.execPath, ['scripts/web/serve.mjs', '--port', '0'], { cwd: root, stdio: 'pipe' });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  try {
    const link = await new Promise<string>((found, fail) => {
      let out = '';
      child.stdout.on('data', (text) => {
        out += text;
        const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(out) ?? [];
        if (url) found(url);
      });
      child.stderr.on('data', (text) => {
        out += text;
      });
      ended.then((code) => fail(new Error(`it ended with ${code}: ${out}`)));
    });
    expect(await (await fetch(link)).text()).toContain('<title>pixtape</title>');
    for (const file of [
      'main.js',
      'paint.js',
      'train.js',
      'style.css',
      'paint-64.safetensors',
      'paint-128.safetensors',
    ]) {
      expect((await fetch(link + file)).status, file).toBe(200);
    }
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toBe(0);
});
