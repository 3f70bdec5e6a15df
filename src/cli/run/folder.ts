import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { FolderInUse, FolderLock } from '../../files/lock/lock.ts';
import { LATEST } from '../../pix2pix/train/loop/run.ts';
import type { TrainFlags } from '../train/flags.ts';

/** The flags that locate a run. */
export type RunFlags = Pick<TrainFlags, 'checkpoints_dir' | 'continue_train' | 'name'>;

/** Where a run lives. */
export interface RunFolder {
  name: string;
  folder: string;
  /** Its last checkpoint. Exists already if the run is continued. */
  latest: string;
  /** Keeps other runs out until it is released; undefined if another rank of this run holds it. */
  lock: FolderLock | undefined;
}

/** The folder of a `train` run; see `takeRunFolder`. */
export function takeFolder(flags: TrainFlags): Promise<RunFolder> {
  const described = flags.data !== 'folder' || flags.dataroot !== undefined;
  const noData = new PixtapeError(
    'no data: train needs --dataroot DIR',
    'Or a set that needs none: --data openmoji --preset quick, or --data facades-toy',
  );
  return takeRunFolder('train', flags, described ? defaultName(flags) : undefined, noData);
}

/**
 * Finds and locks the folder of the run that the flags name. Without --name, picks a free name.
 * @param fallback a name made from the data; if undefined, `noData` is thrown
 * @throws PixtapeError if the run to continue does not exist, or another run would be overwritten; FolderInUse if
 *   another process writes into the folder
 */
export async function takeRunFolder(
  command: 'train' | 'gan',
  flags: RunFlags,
  fallback: string | undefined,
  noData: PixtapeError,
): Promise<RunFolder> {
  const { checkpoints_dir: home, continue_train: resumed, name: given } = flags;
  if (given !== undefined) checkName(given);
  if (resumed) {
    const run = existing(home, given ?? fallback);
    const hint = 'Wait until it is done, or stop it with Ctrl-C there (it saves), then go on with --continue_train.';
    return { ...run, lock: await lockRun(command, run.folder, hint) };
  }
  if (fallback === undefined) throw noData;
  if (given === undefined) return takeFreeName(command, home, fallback);
  refuseOverwriting(home, given);
  const run = at(home, given);
  const lock = await lockRun(command, run.folder, 'Give this run another --name, or wait until that one is done.');
  try {
    refuseOverwriting(home, given); // the other one may just have finished
    return { ...run, lock };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function lockRun(command: string, folder: string, hint: string): Promise<FolderLock> {
  const note = (line: string) => console.warn(line);
  return FolderLock.take(folder, { command: `pixtape ${command}`, hint, note, dropEmpty: true });
}

/** Takes `name`, or else `name-2` and so on: the first that holds no run and is not locked. */
async function takeFreeName(command: string, home: string, name: string): Promise<RunFolder> {
  for (let n = 1; ; n++) {
    const run = at(home, n === 1 ? name : `${name}-${n}`);
    if (holdsRun(home, run.name)) continue;
    const lock = await lockRun(command, run.folder, 'Name this run with --name.').catch((error: unknown) => {
      if (error instanceof FolderInUse) return undefined;
      throw error;
    });
    if (lock && !holdsRun(home, run.name)) return { ...run, lock };
    await lock?.release();
  }
}

function refuseOverwriting(home: string, name: string): void {
  if (!holdsRun(home, name)) return;
  throw new PixtapeError(
    `${join(home, name)} already holds a checkpoint, which is not overwritten`,
    'Go on with it: add --continue_train. Or give another --name.',
  );
}

/** The runs in a folder of runs with the dates of their last checkpoints, newest first. */
export function listRuns(home: string): { name: string; saved: Date }[] {
  if (!existsSync(home)) return [];
  const names = readdirSync(home).filter((name) => holdsRun(home, name));
  const runs = names.map((name) => ({ name, saved: statSync(join(home, name, LATEST)).mtime }));
  return runs.sort((a, b) => b.saved.getTime() - a.saved.getTime());
}

/** A hint that lists the runs. */
export function runsHint(home: string): string {
  const runs = listRuns(home).map(({ name }) => name);
  if (runs.length === 0) return `There is no run in ${home}${home === 'runs' ? ' (see --checkpoints_dir)' : ''}.`;
  return `Runs in ${home}, the newest first: ${runs.slice(0, 8).join(', ')}${runs.length > 8 ? ', …' : ''}`;
}

const at = (home: string, name: string): Place => {
  const folder = join(home, name);
  return { name, folder, latest: join(folder, LATEST) };
};

type Place = Omit<RunFolder, 'lock'>;

const holdsRun = (home: string, name: string): boolean => existsSync(at(home, name).latest);

function defaultName({ data, dataroot, preset, model }: TrainFlags): string {
  const source = data !== 'folder' ? data : basename(resolve(dataroot ?? '.')) || 'pictures';
  if (model === 'cycle_gan') return `${source}-${preset === 'quick' ? 'quick-cycle' : 'cycle'}`;
  return `${source}-${preset}`;
}

function existing(home: string, name: string | undefined): Place {
  if (name === undefined) {
    throw new PixtapeError('--continue_train: which run? Name it with --name', runsHint(home));
  }
  const run = at(home, name);
  if (existsSync(run.latest)) return run;
  throw new PixtapeError(`--continue_train: there is no ${run.latest}`, runsHint(home));
}

/** A run's name must be a valid folder name on every system. */
function checkName(name: string): void {
  const control = [...name].some((letter) => letter.charCodeAt(0) < 32);
  if (name.trim() !== '' && !control && !/[\\/:*?"<>|]|[. ]$/.test(name)) return;
  throw new PixtapeError(
    `--name ${JSON.stringify(name)} cannot be a folder's name on every system`,
    'Leave out \\ / : * ? " < > | and a dot or space at its end. Another place: --checkpoints_dir DIR',
  );
}
