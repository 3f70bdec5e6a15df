import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
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

/** A request as it is written: fetch would tidy the path up first. */
function raw(url: string, path: string): Promise<string> {
  const { port, hostname } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = createConnection(Number(port), hostname, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
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

it('gives nothing that lies outside its folder, and takes nothing', async () => {
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

it('takes the next port where one is in use', async () => {
  const first = await start();
  const port = Number(new URL(first.url).port);
  const second = await start(port);
  expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
  expect((await fetch(second.url)).status).toBe(200);
});
