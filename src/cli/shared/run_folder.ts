import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { LATEST } from '../../pix2pix/train/loop/run.ts';
import type { TrainFlags } from '../train/flags.ts';

/** The flags that say where a run is. */
export type RunFlags = Pick<TrainFlags, 'checkpoints_dir' | 'continue_train' | 'name'>;

/** Where a run lives. */
export interface RunFolder {
  name: string;
  folder: string;
  /** Its last checkpoint, which exists already if the run is continued. */
  latest: string;
}

/** The folder of a `train` run; see `chooseRunFolder`. */
export function chooseFolder(flags: TrainFlags): RunFolder {
  const described = flags.data !== 'folder' || flags.dataroot !== undefined;
  const noData = new PixtapeError(
    'no data: train needs --dataroot DIR',
    'Or a set that needs none: --data openmoji --preset quick, or --data facades-toy',
  );
  return chooseRunFolder(flags, described ? defaultName(flags) : undefined, noData);
}

/**
 * The folder of the run that the flags name; without --name a free one is found.
 * @param fallback a name made from the data; undefined where none were named, which `noData` says
 * @throws PixtapeError when the run to continue does not exist, or another one would be overwritten.
 */
export function chooseRunFolder(flags: RunFlags, fallback: string | undefined, noData: PixtapeError): RunFolder {
  const { checkpoints_dir: home, continue_train: resumed, name: given } = flags;
  if (given !== undefined) checkName(given);
  if (resumed) return existing(home, given ?? fallback);
  if (fallback === undefined) throw noData;
  const name = given ?? fallback;
  if (!holdsRun(home, name)) return at(home, name);
  if (given !== undefined) {
    throw new PixtapeError(
      `${join(home, name)} already holds a checkpoint, which is not overwritten`,
      'Go on with it: add --continue_train. Or give another --name.',
    );
  }
  let n = 2;
  while (holdsRun(home, `${name}-${n}`)) n++;
  return at(home, `${name}-${n}`);
}

/** Names of the runs in a folder of runs, the newest first. */
export function listRuns(home: string): string[] {
  if (!existsSync(home)) return [];
  const date = (name: string) => statSync(join(home, name, LATEST)).mtimeMs;
  const names = readdirSync(home).filter((name) => holdsRun(home, name));
  return names.sort((a, b) => date(b) - date(a));
}

/** What says which runs there are, for a hint. */
export function runsHint(home: string): string {
  const runs = listRuns(home);
  if (runs.length === 0) return `There is no run in ${home}${home === 'runs' ? ' (see --checkpoints_dir)' : ''}.`;
  return `Runs in ${home}, the newest first: ${runs.slice(0, 8).join(', ')}${runs.length > 8 ? ', …' : ''}`;
}

const at = (home: string, name: string): RunFolder => {
  const folder = join(home, name);
  return { name, folder, latest: join(folder, LATEST) };
};

const holdsRun = (home: string, name: string): boolean => existsSync(at(home, name).latest);

function defaultName({ data, dataroot, preset }: TrainFlags): string {
  const source = data !== 'folder' ? data : basename(resolve(dataroot ?? '.')) || 'pictures';
  return `${source}-${preset}`;
}

function existing(home: string, name: string | undefined): RunFolder {
  if (name === undefined) {
    throw new PixtapeError('--continue_train: which run? Name it with --name', runsHint(home));
  }
  const run = at(home, name);
  if (existsSync(run.latest)) return run;
  throw new PixtapeError(`--continue_train: there is no ${run.latest}`, runsHint(home));
}

/** A run's name is a folder's name, on every system. */
function checkName(name: string): void {
  const control = [...name].some((letter) => letter.charCodeAt(0) < 32);
  if (name.trim() !== '' && !control && !/[\\/:*?"<>|]|[. ]$/.test(name)) return;
  throw new PixtapeError(
    `--name ${JSON.stringify(name)} cannot be a folder's name on every system`,
    'Leave out \\ / : * ? " < > | and a dot or space at its end. Another place: --checkpoints_dir DIR',
  );
}
