/** `npm run web`: set-up, the page, and a server for it on this machine alone. `--port N` asks for another port than 8080. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fail, root, setup } from '../setup.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.safetensors': 'application/octet-stream',
};
const HOST = '127.0.0.1';
const PORTS = 20;
const EMOJI = /^\/openmoji\/(\d{2,3})x(\d{2,3})\.safetensors$/;

/**
 * Serves `folder` on this machine.
 * @param {{ folder: string, port?: number }} options port 0 takes any; else the first free one from `port` on
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve({ folder, port = 8080 }) {
  const sets = new Map();
  const server = createServer((request, response) => {
    answer(folder, sets, request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
  await listen(server, port);
  return {
    url: `http://${HOST}:${server.address().port}/`,
    close: () => new Promise((done) => server.close(done) && server.closeAllConnections()),
  };
}

async function listen(server, first) {
  for (let port = first; ; port++) {
    const error = await new Promise((done) => {
      server.once('error', done);
      server.listen(port, HOST, () => {
        server.off('error', done);
        done(undefined);
      });
    });
    if (!error) return;
    const next = error.code === 'EADDRINUSE' && port < first + PORTS;
    if (!next) throw error;
  }
}

async function answer(folder, sets, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const url = new URL(request.url ?? '/', `http://${HOST}`);
  const emoji = EMOJI.exec(url.pathname);
  if (emoji) {
    const groups = url.searchParams.get('groups')?.split(',').filter(Boolean) ?? [];
    return send(request, response, '.safetensors', await emojiSet(sets, Number(emoji[1]), Number(emoji[2]), groups));
  }
  const path = pathIn(folder, url.pathname);
  const info = path && statSync(path, { throwIfNoEntry: false });
  if (!info?.isFile()) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end(`There is no ${url.pathname} here.\n`);
    return;
  }
  response.writeHead(200, { ...headers(extname(path)), 'content-length': info.size });
  if (request.method === 'HEAD') response.end();
  else createReadStream(path).pipe(response);
}

/** A file below the folder; undefined where the address leads out of it. */
function pathIn(folder, address) {
  let decoded;
  try {
    decoded = decodeURIComponent(address);
  } catch {
    return undefined;
  }
  const path = normalize(join(folder, decoded.endsWith('/') ? `${decoded}index.html` : decoded));
  return path.startsWith(folder + sep) && !decoded.includes('\0') ? path : undefined;
}

// Nothing is kept by the browser: the next `npm run web` may bring another page.
const headers = (extension) => ({
  'content-type': TYPES[extension] ?? 'application/octet-stream',
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
});

function send(request, response, extension, pieces) {
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  response.writeHead(200, { ...headers(extension), 'content-length': length });
  if (request.method === 'GET') for (const piece of pieces) response.write(piece);
  response.end();
}

/** Rendered when first asked for, then kept. */
function emojiSet(sets, width, height, groups) {
  const key = JSON.stringify([width, height, groups]);
  if (!sets.has(key)) {
    const made = import(pathToFileURL(join(root, 'dist', 'web_data.js')).href).then(({ packEmojiSet }) =>
      packEmojiSet(width, height, groups),
    );
    made.catch(() => sets.delete(key));
    sets.set(key, made);
  }
  return sets.get(key);
}

async function main(args) {
  await setup();
  const { buildWeb } = await import('./build.mjs');
  const at = args.indexOf('--port');
  const port = at < 0 ? 8080 : Number(args[at + 1]);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    fail(`--port ${args[at + 1]} is no port`, 'Ports go to 65535.');
  const { url } = await serve({ folder: await buildWeb(), port }).catch((error) =>
    fail(
      `cannot listen on port ${port} or the ${PORTS} after it: ${error.message}`,
      'Name another one: npm run web -- --port 9000',
    ),
  );
  console.log(`pixtape in the browser: ${url}\nCtrl-C ends it.`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));
