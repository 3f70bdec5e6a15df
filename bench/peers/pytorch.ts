import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { ConvProblem, LoadedConv, Peer } from './peer.ts';

/** PyTorch in its own process: bench/peers/pytorch.py reads a line of JSON and answers with one. */
export class PyTorch implements Peer {
  readonly name = 'PyTorch';
  readonly version: string;
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly folder = mkdtempSync(join(tmpdir(), 'pixtape-bench-'));
  private complaint = '';

  private constructor(child: ChildProcess, lines: Interface, version: string) {
    this.child = child;
    this.lines = lines[Symbol.asyncIterator]();
    this.version = version;
  }

  /**
   * Starts the first Python that imports torch.
   * @param onGpu use torch's CUDA device, if it has one
   * @throws Error that lists what was tried
   */
  static async open(script: string, onGpu: boolean): Promise<PyTorch> {
    const pythons = candidates();
    const python = pythons.find((path) => spawnSync(path, ['-c', 'import torch'], { timeout: 60_000 }).status === 0);
    if (!python) throw new Error(`no Python that imports torch (tried ${pythons.join(', ') || 'none: no python3'})`);
    const args = [script, String(availableParallelism()), onGpu ? 'gpu' : 'cpu'];
    const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const lines = createInterface({ input: child.stdout });
    const torch = new PyTorch(child, lines, '');
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      torch.complaint = `${torch.complaint}${text}`.slice(-2000);
    });
    const { version } = await torch.ask({ do: 'version' });
    return Object.assign(torch, { version });
  }

  // biome-ignore lint/suspicious/noExplicitAny: what comes back is whatever the script answers
  async ask(question: Record<string, unknown>): Promise<any> {
    this.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`PyTorch's process ended: ${this.complaint.trim().split('\n').at(-1)}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`PyTorch: ${answer.error}`);
    return answer;
  }

  async load({ shape, ...values }: ConvProblem): Promise<LoadedConv> {
    const file = (name: string) => join(this.folder, name);
    for (const [name, data] of Object.entries(values)) writeFileSync(file(name), new Uint8Array(data.buffer));
    await this.ask({ do: 'load', folder: this.folder, ...shape });
    const run = async (what: string, times: number) => (await this.ask({ do: what, times })).ms as number;
    return {
      forward: (times) => run('forward', times),
      both: (times) => run('both', times),
      answer: async () => {
        await this.ask({ do: 'answer', folder: this.folder });
        const read = (name: string) => new Float32Array(new Uint8Array(readFileSync(file(name))).buffer);
        return { y: read('y'), dx: read('dx'), dw: read('dw') };
      },
      free: () => {},
    };
  }

  close(): void {
    this.child.stdin?.end();
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Lists every python3 on the PATH and every versioned one in /usr/bin, because the first may be a shim without modules.
 * Does not resolve links: a virtual environment's python is a link, and finds its modules by where the link is.
 */
function candidates(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const named = folders.flatMap((folder) => pythonsIn(folder, /^python3?(\.exe)?$/));
  return [...new Set([...named, ...pythonsIn('/usr/bin', /^python3\.\d+$/)])];
}

function pythonsIn(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => pattern.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
