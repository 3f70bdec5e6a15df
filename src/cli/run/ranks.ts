import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { version } from '../../../package.json';
import { type Description, requireSame } from '../../distributed/agree.ts';
import { type Member, nameOf, RankGroup } from '../../distributed/group.ts';
import { launchedBy } from '../../distributed/launcher.ts';
import { gpuAddresses, ownGpu } from '../../drivers/gpu_files.ts';
import type { Device } from '../../engine/gpu/device.ts';
import { convTuning } from '../../engine/ops/conv/tuning/tuning.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatBytes } from '../../engine/util/format.ts';
import { explainSystemError } from '../../files/disk_error.ts';
import { writeAtOnce } from '../../files/lock/process.ts';
import type { RunEnd } from '../../pix2pix/train/loop/core.ts';
import type { Distributed } from '../flags/flags.ts';
import { errorText } from '../shared/advice.ts';
import type { RunFolder } from './folder.ts';

/** What fails on all ranks alike is told by the first, which ends the others meanwhile. */
const FIRST_TELLS_MS = 3000;

/** What ranks may wish, the strongest last. */
const WISHES: readonly RunEnd[] = ['time', 'interrupted', 'done'];

/** The processes that a run shares its batches with, as commands see them. */
export class Ranks {
  readonly group: RankGroup;

  constructor(group: RankGroup) {
    this.group = group;
  }

  /** Whether this one keeps the run's folder and prints. */
  get first(): boolean {
    return this.group.rank === 0;
  }

  /** Agrees on whether to end. One rank that wishes it is enough. */
  agree = async (wish: RunEnd | undefined): Promise<RunEnd | undefined> => {
    const wishes = await this.group.all(wish ?? null);
    return WISHES.findLast((end) => wishes.includes(end));
  };

  /** The run's folder, which rank 0 takes and locks for all. */
  async sharedFolder(take: () => Promise<RunFolder>): Promise<RunFolder> {
    const own = this.first ? await take() : undefined;
    const shared = await this.group.fromFirst({ name: own?.name, folder: own?.folder, latest: own?.latest });
    return own ?? ({ ...shared, lock: undefined } as RunFolder);
  }

  /** The processes of this run on this host, this one among them. */
  private get here(): readonly Member[] {
    const { members, rank } = this.group;
    return members.filter(({ host }) => host === members[rank]?.host);
  }

  /** To be called before a device is opened: each process of a host takes a GPU of its own, where there are several. */
  chooseGpu(): void {
    const place = this.here.findIndex(({ rank }) => rank === this.group.rank);
    Object.assign(process.env, ownGpu(place, gpuAddresses(), process.env));
  }

  /** @throws PixtapeError if this host has fewer GPUs than ranks that compute on one */
  private checkGpus({ capabilities }: Device): void {
    const gpus = gpuAddresses().length;
    if (capabilities.cpu || gpus === 0 || this.here.length <= gpus) return;
    throw new PixtapeError(
      `${this.here.length} ranks share this host, which has ${gpus} GPU${gpus === 1 ? '' : 's'}`,
      'Start one rank for each GPU, or compute on the CPU with --adapter lavapipe.',
    );
  }

  /** Takes rank 0's choice of kernels, where the adapter is the same one: other kernels round otherwise. */
  async shareTuning(device: Device): Promise<void> {
    const tuning = convTuning(device);
    const first = await this.group.fromFirst({ adapter: device.description, table: [...(tuning.table ?? [])] });
    if (!this.first) tuning.table = new Map(first.adapter === device.description ? first.table : []);
  }

  /** @throws PixtapeError if a rank is about to do something else than rank 0 */
  requireSame(what: Description): Promise<void> {
    const code = createHash('sha256')
      .update(readFileSync(fileURLToPath(import.meta.url)))
      .digest('hex')
      .slice(0, 12);
    return requireSame(this.group, { 'pixtape of version': `${version} (code ${code})`, ...what });
  }

  /** Prints who computes where. */
  async introduce(device: Device, batch: number): Promise<void> {
    this.checkGpus(device);
    const { count, library } = this.group;
    const adapters = await this.named(device.description);
    console.log(`ranks    ${count}, each with ${batch / count} of ${batch} pictures a step; ${library}`);
    for (const line of adapters) console.log(`         ${line}`);
  }

  /** A line for each rank: its name, and what it gives here. */
  async named(text: string): Promise<string[]> {
    const texts = await this.group.all(text);
    return this.group.members.map((member) => `${nameOf(member)}: ${texts[member.rank]}`);
  }

  /** Prints what the meetings have cost so far. */
  tellTraffic(steps: number): void {
    const { meetings, bytes, seconds } = this.group.traffic;
    if (steps === 0) return;
    const each = `${formatBytes(bytes / steps)} in ${(meetings / steps).toFixed(0)} meetings`;
    console.log(
      `ranks    rank 0 sent ${each} a step; meetings took ${seconds.toFixed(1)} s, some of it beside computing`,
    );
  }
}

/**
 * Runs `work` with the ranks that a launcher has started, or without any. Where it fails on one rank, all of them end. Ranks
 * other than the first print nothing but errors.
 */
export async function withRanks(
  distributed: Distributed,
  work: (ranks: Ranks | undefined) => Promise<void>,
): Promise<void> {
  const launched = launchedBy(process.env);
  if (distributed === 'none' || (distributed === 'auto' && !launched)) return work(undefined);
  writeLines();
  if (launched && launched.rank > 0) silence();
  let group: RankGroup | undefined;
  try {
    group = await RankGroup.join(new URL('./mpi_worker.js', import.meta.url), launched);
    if (group.rank > 0) silence();
    await work(group.count === 1 ? undefined : new Ranks(group));
    await group.leave();
  } catch (thrown) {
    const error = await explainSystemError(thrown);
    const rank = group?.rank ?? launched?.rank ?? 0;
    if (rank > 0) await pause(FIRST_TELLS_MS);
    const [me] = group?.members.filter((member) => member.rank === rank) ?? [];
    writeAtOnce(`\npixtape: ${me ? nameOf(me) : `rank ${rank}`}: ${errorText(error)}\n`);
    if (group) await Promise.race([group.abort(), pause(5000)]);
    process.exit(1);
  }
}

/** @throws PixtapeError if a launcher has started several processes of a command that trains in one only */
export function refuseRanks(what: string): void {
  const launched = launchedBy(process.env);
  if (!launched) return;
  throw new PixtapeError(
    `${what} trains in one process, but ${launched.launcher} has started ${launched.ranks ?? 'several'}`,
    'Start it by itself.',
  );
}

/** A launcher gives each process a terminal of its own, and joins what they write there into lines. */
function writeLines(): void {
  process.stdout.isTTY = false;
}

function silence(): void {
  console.log = () => undefined;
  console.warn = () => undefined;
}
