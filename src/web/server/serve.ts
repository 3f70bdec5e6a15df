/** Runs in Node: serves the page's files and OpenMoji's pairs, to this machine only. */
import { createReadStream, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { EmojiSets } from './emoji_sets.ts';
import { contentPolicy, isOurs, SECURITY_HEADERS } from './policy.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.safetensors': 'application/octet-stream',
  '.txt': 'text/plain; charset=utf-8',
};
const HOST = '127.0.0.1';
/** How many further ports are tried if one is in use. */
export const MORE_PORTS = 20;
const EMOJI = /^\/openmoji\/(\d{2,3})x(\d{2,3})\.safetensors$/;
/** Largest page: only pages are read into memory before they are sent. */
const MOST_PAGE_BYTES = 1 << 20;

export interface Served {
  /** Ends in a slash. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `folder` on 127.0.0.1.
 * @param port the first free port from here on is used; 0 uses any
 * @throws Node's error if none can be used
 */
export async function serve({ folder, port = 8080 }: { folder: string; port?: number }): Promise<Served> {
  const sets = new EmojiSets();
  const server = createServer((request, response) => {
    answer(folder, sets, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, headers('.txt'));
      response.end(error instanceof Error ? error.message : String(error));
    });
  });
  await listen(server, port);
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, first: number): Promise<void> {
  for (let port = first; ; port++) {
    const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      server.once('error', done);
      server.listen(port, HOST, () => {
        server.off('error', done);
        done(undefined);
      });
    });
    if (!error) return;
    if (error.code !== 'EADDRINUSE' || port >= Math.min(first + MORE_PORTS, 65535)) throw error;
  }
}

async function answer(
  folder: string,
  sets: EmojiSets,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, why: string, more = {}) => {
    response.writeHead(status, { ...headers('.txt'), ...more }).end(`${why}\n`);
  };
  if (!isOurs(request)) return refuse(421, `This server answers to its own address, http://${HOST}, only.`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(405, 'GET and HEAD.', { allow: 'GET, HEAD' });
  const url = new URL(request.url ?? '/', `http://${HOST}`);
  const emoji = EMOJI.exec(url.pathname);
  if (emoji) {
    const groups = url.searchParams.get('groups')?.split(',').filter(Boolean) ?? [];
    const refused = sets.refuses(Number(emoji[1]), Number(emoji[2]), groups);
    if (refused) return refuse(400, refused);
    send(request, response, await sets.get(Number(emoji[1]), Number(emoji[2]), groups));
    return;
  }
  const path = pathIn(folder, url.pathname);
  const info = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (path === undefined || !info?.isFile()) return refuse(404, `There is no ${url.pathname} here.`);
  const extension = extname(path);
  const page = extension === '.html' && info.size < MOST_PAGE_BYTES ? await readFile(path) : undefined;
  const policy = { 'content-security-policy': contentPolicy(page?.toString() ?? '') };
  response.writeHead(200, { ...headers(extension), ...policy, 'content-length': info.size });
  if (request.method === 'HEAD') response.end();
  else createReadStream(path).pipe(response);
}

/** The path of a file in the folder; undefined if the address leads out of it. */
function pathIn(folder: string, address: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(address);
  } catch {
    return undefined;
  }
  const path = normalize(join(folder, decoded.endsWith('/') ? `${decoded}index.html` : decoded));
  return path.startsWith(folder + sep) && !decoded.includes('\0') ? path : undefined;
}

// Disable caching, since the next build may change the page.
const headers = (extension: string): Record<string, string> => ({
  'content-type': TYPES[extension] ?? 'application/octet-stream',
  'cache-control': 'no-cache',
  ...SECURITY_HEADERS,
});

function send(request: IncomingMessage, response: ServerResponse, pieces: readonly Uint8Array[]): void {
  const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  response.writeHead(200, { ...headers('.safetensors'), 'content-length': length });
  if (request.method === 'GET') for (const piece of pieces) response.write(piece);
  response.end();
}
