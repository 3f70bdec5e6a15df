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

/** If all ranks fail alike, the first reports the error and ends the others within this time. */
const FIRST_TELLS_MS = 3000;

/** Wishes of ranks, the strongest last. */
const WISHES: readonly RunEnd[] = ['time', 'interrupted', 'done'];

/** The ranks of a run, as commands see them. */
export class Ranks {
  readonly group: RankGroup;
  /** To be called after the first step: until then drivers compile, and networks are drawn or loaded. */
  private readonly ready: () => void;

  constructor(group: RankGroup) {
    this.group = group;
    this.ready = group.beginLongWork();
  }

  /** Whether this rank writes the run's folder and prints. */
  get first(): boolean {
    return this.group.rank === 0;
  }

  /**
   * Agrees on whether to end. One rank that wishes it is enough.
   * @throws PixtapeError on all ranks, naming the one that came to a meeting of this step with a value that is not finite
   */
  agree = async (wish: RunEnd | undefined, step: number): Promise<RunEnd | undefined> => {
    const { group } = this;
    const all = await group.all({ wish: wish ?? null, ill: group.firstNotFinite ?? null });
    this.ready();
    checkFinite(
      group.members,
      all.map(({ ill }) => ill),
      step,
    );
    return WISHES.findLast((end) => all.some((of) => of.wish === end));
  };

  /** The run's folder, which rank 0 takes and locks for all. */
  async sharedFolder(take: () => Promise<RunFolder>): Promise<RunFolder> {
    const own = this.first ? await take() : undefined;
    const shared = await this.group.fromFirst({ name: own?.name, folder: own?.folder, latest: own?.latest });
    return own ?? ({ ...shared, lock: undefined } as RunFolder);
  }

  /** The ranks on this host, including this one. */
  private get here(): readonly Member[] {
    const { members, rank } = this.group;
    return members.filter(({ host }) => host === members[rank]?.host);
  }

  /** Has the device say when its driver may hold this process up, so that it is not taken for hung. */
  watch(device: Device): void {
    device.onLongWork = this.group.beginLongWork;
  }

  /** Gives each rank of a host its own GPU, if there are several. Must be called before a device is opened. */
  chooseGpu(addresses = gpuAddresses(), env = process.env): void {
    const place = this.here.findIndex(({ rank }) => rank === this.group.rank);
    Object.assign(env, ownGpu(place, addresses, env));
  }

  /** @throws PixtapeError if this host has fewer GPUs than ranks that use one */
  checkGpus({ capabilities }: Pick<Device, 'capabilities'>, addresses = gpuAddresses()): void {
    const gpus = addresses.length;
    if (capabilities.cpu || gpus === 0 || this.here.length <= gpus) return;
    throw new PixtapeError(
      `${this.here.length} ranks share this host, which has ${gpus} GPU${gpus === 1 ? '' : 's'}`,
      'Start one rank for each GPU, or compute on the CPU with --adapter lavapipe.',
    );
  }

  /** Takes rank 0's choice of kernels, if the adapter is the same: other kernels round differently. */
  async shareTuning(device: Device): Promise<void> {
    const tuning = convTuning(device);
    const first = await this.group.fromFirst({ adapter: device.description, table: [...(tuning.table ?? [])] });
    if (!this.first) tuning.table = new Map(first.adapter === device.description ? first.table : []);
  }

  /** @throws PixtapeError if a rank is about to do something other than rank 0 */
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

  /** A line per rank: its name and its text. */
  async named(text: string): Promise<string[]> {
    const texts = await this.group.all(text);
    return this.group.members.map((member) => `${nameOf(member)}: ${texts[member.rank]}`);
  }

  /** Prints the cost of the meetings so far. */
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
 * Runs `work` with the ranks that a launcher has started, if any. If it fails on one rank, all ranks end. Ranks other
 * than the first print only errors.
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

/** @throws PixtapeError if a launcher has started several processes of a single-process command */
export function refuseRanks(what: string): void {
  const launched = launchedBy(process.env);
  if (!launched) return;
  throw new PixtapeError(
    `${what} trains in one process, but ${launched.launcher} has started ${launched.ranks ?? 'several'}`,
    'Start it by itself.',
  );
}

/**
 * @param ill for each rank the first meeting of the step to which it came with losses or statistics that were not finite
 * @throws PixtapeError naming those to whom it happened first: what they gave has spoilt the others' since
 */
export function checkFinite(members: readonly Member[], ill: readonly (number | null)[], step: number): void {
  const first = Math.min(...ill.map((meeting) => meeting ?? Number.POSITIVE_INFINITY));
  const names = members.filter(({ rank }) => ill[rank] === first).map(nameOf);
  if (names.length === 0) return;
  const who = names.length === members.length ? 'every rank' : names.join(', ');
  throw new PixtapeError(
    `step ${step}: ${who} has computed a loss or a statistic that is NaN or infinite. Training has stopped on all ranks; ` +
      'no checkpoint was written after that step.',
    names.length === members.length
      ? 'Lower --lr. --continue_train goes on from the last checkpoint.'
      : 'Look at the pictures and at the driver there. --continue_train goes on from the last checkpoint.',
  );
}

/** Makes Node write whole lines. A launcher gives each process a terminal of its own, and merges their output. */
function writeLines(): void {
  process.stdout.isTTY = false;
}

function silence(): void {
  console.log = () => undefined;
  console.warn = () => undefined;
}
