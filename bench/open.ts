import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAdapter, resolveChoice } from '../src/drivers/index.ts';
import { Device } from '../src/engine/gpu/device.ts';
import type { Rounds } from './measure.ts';
import { type Missing, openWebGpuPeers } from './peers/open.ts';
import type { Peer } from './peers/peer.ts';
import { PyTorch } from './peers/pytorch.ts';
import { measureRoofline } from './roofline/roofline.ts';
import type { Bench } from './section.ts';

/** The repository's root: the first folder upwards that holds bench/peers/pytorch.py. */
export function repositoryRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'bench', 'peers', 'pytorch.py'))) return folder;
    if (folder === dirname(folder)) throw new Error('bench/peers/pytorch.py is not above this program');
  }
}

export interface OpenOptions {
  adapter: string;
  rounds: Rounds;
  quick: boolean;
  rows: string;
  /** Whether to compare with peers. */
  peers: boolean;
  progress(text: string): void;
}

/** Opens the device that everything is measured on. */
export async function openBench(options: OpenOptions): Promise<Bench & { close(): void }> {
  const environment = { ...process.env };
  const choice = resolveChoice(options.adapter);
  const { adapter, description, kind } = await openAdapter(options.adapter);
  const device = await Device.open(adapter, description);
  const root = repositoryRoot();
  const { rounds, quick, rows, progress } = options;
  const pytorch = once(async (): Promise<PyTorch | Missing> => {
    if (!options.peers) return { name: 'PyTorch', reason: 'left out by --no-peers' };
    progress('looking for a Python that imports torch');
    return PyTorch.open(join(root, 'bench', 'peers', 'pytorch.py'), kind === 'gpu').catch((error: Error) => {
      return { name: 'PyTorch', reason: error.message };
    });
  });
  const peers = once(async (): Promise<{ peers: Peer[]; missing: Missing[] }> => {
    if (!options.peers) return { peers: [], missing: [] };
    const { peers, missing } = await openWebGpuPeers();
    const torch = await pytorch();
    return 'reason' in torch ? { peers, missing: [...missing, torch] } : { peers: [...peers, torch], missing };
  });
  const roofline = once(() => {
    progress('roofline');
    return measureRoofline(device, rounds);
  });
  const opened: Peer[] = [];
  const closing =
    <T>(open: () => Promise<T>, found: (value: T) => readonly Peer[]) =>
    async () => {
      const value = await open();
      for (const each of found(value)) if (!opened.includes(each)) opened.push(each);
      return value;
    };
  return {
    device,
    kind,
    environment,
    adapterChoice: choice === 'auto' ? kind : choice,
    firstStep: join(root, 'dist', 'bench', 'step', 'first_step.js'),
    rounds,
    quick,
    rows,
    progress,
    roofline,
    opened,
    pytorch: closing(pytorch, (torch) => ('reason' in torch ? [] : [torch])),
    peers: closing(peers, (all) => all.peers),
    close() {
      for (const peer of opened) peer.close();
      device.destroy();
    },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
