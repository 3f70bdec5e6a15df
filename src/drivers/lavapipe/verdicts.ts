import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../files/files.ts';
import { gpuFiles } from '../gpu_files.ts';
import { findIcds, isLavapipe } from '../probe/icd.ts';
import { tryCandidates } from '../survey.ts';
import { driverBuild } from './environment.ts';

/**
 * Whether the system's own drivers are good enough, so that nothing has to be fetched. Trying them takes a second or
 * two. A success is stored in a file, keyed by the driver's build and the GPU's device files, and not tried again.
 */
export async function systemIsServed(env: NodeJS.ProcessEnv, cache: string): Promise<boolean> {
  const path = join(cache, 'working-drivers.json');
  const known = readList(path);
  const lavapipes = findIcds(env)
    .filter(isLavapipe)
    .map((icd) => `lavapipe ${driverBuild(icd)}`);
  const gpus = gpuFiles().map((file) => `gpu ${file}`);
  const present = [...lavapipes, ...gpus];
  if (present.some((each) => known.includes(each))) return true;
  // Without a device file there is no GPU to find.
  const kinds = [...(gpus.length > 0 ? ['gpu'] : []), ...(lavapipes.length > 0 ? ['lavapipe'] : [])];
  if (kinds.length === 0) return false;
  const tried = await tryCandidates(
    env,
    ({ kind }) => kinds.includes(kind),
    '',
    ({ report }) => report.ok,
  );
  const working = tried.find(({ report }) => report.ok)?.report.kind;
  if (!working) return false;
  const learnt = present.filter((each) => each.startsWith(working));
  // If it cannot be written, the drivers are tried again next time.
  await writeFileAtomic(path, `${JSON.stringify([...known, ...learnt], null, 1)}\n`).catch(() => undefined);
  return true;
}

function readList(path: string): string[] {
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}
