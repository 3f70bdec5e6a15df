import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { EmojiSets } from '../../src/web/server/emoji_sets.ts';
import { contentPolicy } from '../../src/web/server/policy.ts';
import { type Served, serve } from '../../src/web/server/serve.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';

const folder = temporaryFolders();
const open: Served[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(port = 0): Promise<Served> {
  const root = folder();
  mkdirSync(join(root, 'site'));
  writeFileSync(join(root, 'secret.txt'), 'nobody may read this');
  for (const name of ['index.html', 'a.js', 'a.css', 'a.svg', 'a.safetensors', 'a b.png']) {
    writeFileSync(join(root, 'site', name), name);
  }
  const server = await serve({ folder: join(root, 'site'), port });
  open.push(server);
  return server;
}

/** A raw request: fetch would normalise the path first. */
function raw(url: string, path: string, host = new URL(url).host, ...more: string[]): Promise<string> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = createConnection(Number(port), hostname, () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`,
      );
    });
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('end', () => resolve(answer)).on('error', reject);
  });
}

it('serves files with their types, on this machine only', async () => {
  const { url } = await start();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const types: Record<string, string> = {
    '': 'text/html; charset=utf-8',
    'a.js': 'text/javascript; charset=utf-8',
    'a.css': 'text/css; charset=utf-8',
    'a.svg': 'image/svg+xml',
    'a.safetensors': 'application/octet-stream',
    'a%20b.png': 'image/png',
  };
  for (const [path, type] of Object.entries(types)) {
    const response = await fetch(url + path);
    expect(response.headers.get('content-type'), path).toBe(type);
    expect(await response.text()).toBe(path === '' ? 'index.html' : decodeURIComponent(path));
  }
  const head = await fetch(url, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('10');
  expect(await head.text()).toBe('');
});

it('serves nothing outside its folder, and accepts no uploads', async () => {
  const { url } = await start();
  for (const path of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/x/../../secret.txt',
    '/%00',
    '/%',
  ]) {
    const answer = await raw(url, path);
    expect(answer, path).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).not.toContain('nobody');
  }
  expect((await fetch(`${url}nothing.js`)).status).toBe(404);
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
});

it('answers only requests to its own address, and not those of other sites', async () => {
  const { url } = await start();
  const { port, host } = new URL(url);
  for (const own of [host, `localhost:${port}`, `LOCALHOST:${port}`, `127.0.0.1:${Number(port) + 1}`, 'localhost']) {
    expect(await raw(url, '/', own), own).toMatch(/^HTTP\/1\.1 200 /);
  }
  for (const other of ['x', `evil.example:${port}`, `127.0.0.1.evil.example:${port}`, `localhost@evil.example`, '']) {
    const answer = await raw(url, '/a.js', other);
    expect(answer, other).toMatch(/^HTTP\/1\.1 4(21|00) /);
    expect(answer).not.toContain('a.js');
  }
  const fetched = (site: string, mode: string) =>
    raw(url, '/a.js', host, `Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`);
  expect(await fetched('cross-site', 'no-cors')).toMatch(/^HTTP\/1\.1 421 /);
  expect(await fetched('cross-site', 'navigate')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await fetched('same-origin', 'cors')).toMatch(/^HTTP\/1\.1 200 /);
});

it('every response has a content security policy; inline scripts are listed by their hash', async () => {
  const { url } = await start();
  for (const path of ['', 'a.js', 'nothing.js', 'openmoji/999x999.safetensors']) {
    const { headers } = await fetch(url + path);
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
    expect(headers.get('cross-origin-resource-policy'), path).toBe('same-origin');
  }
  const policy = (await fetch(url)).headers.get('content-security-policy');
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';");
  expect(policy).toContain("frame-ancestors 'none'");
  const hash = createHash('sha256').update('go()').digest('base64');
  expect(contentPolicy('<script src="a.js"></script><script type="module">go()</script>')).toContain(
    `script-src 'self' 'sha256-${hash}';`,
  );
});

it('emoji sets are rendered within bounds, one after the other, and the last two are kept', async () => {
  const { url } = await start();
  for (const path of ['999x999', '64x999', '15x64']) {
    const response = await fetch(`${url}openmoji/${path}.safetensors`);
    expect([response.status, await response.text()]).toEqual([400, 'Sides of 16 to 320 pixels are rendered.\n']);
  }
  const groups = Array.from({ length: 21 }, (_, i) => `g${i}`).join(',');
  expect((await fetch(`${url}openmoji/64x64.safetensors?groups=${groups}`)).status).toBe(400);

  let [running, most] = [0, 0];
  const made: number[] = [];
  const sets = new EmojiSets(async (width) => {
    most = Math.max(most, ++running);
    await new Promise((done) => setTimeout(done, 5));
    running--;
    made.push(width);
    if (width === 99) throw new Error('no such set');
    return [Uint8Array.of(width)];
  });
  const get = (width: number) => sets.get(width, width, []);
  await Promise.all([get(64), get(64), get(128)]);
  expect([made, most]).toEqual([[64, 128], 1]);
  await get(64);
  await get(256);
  expect(made).toEqual([64, 128, 256]);
  await get(64); // used last, so it was kept
  await get(128); // not used since, so it was dropped
  expect(made).toEqual([64, 128, 256, 128]);
  await expect(get(99)).rejects.toThrow('no such set');
  await expect(get(99)).rejects.toThrow('no such set');
  expect(made.slice(4)).toEqual([99, 99]);
});

it('takes the next port if one is in use', async () => {
  const first = await start();
  const port = Number(new URL(first.url).port);
  const second = await start(port);
  expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
  expect((await fetch(second.url)).status).toBe(200);
});
