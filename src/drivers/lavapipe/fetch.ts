import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatBytes } from '../../engine/util/format.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { makeFolder, makeTemporaryFolder, move, removeFolder, removeFolderOnSignal } from '../../files/folder.ts';
import { osRelease } from '../os_release.ts';
import { probe } from '../probe/probe.ts';
import { Apt, type PackageFile, runTool } from './apt.ts';
import { type FetchedLavapipe, fetchedFolder, findFetched, MANIFEST, type Manifest } from './fetched.ts';
import { librariesIn, loadOrder } from './libraries.ts';
import { lavapipeRecipe } from './recipe.ts';

const DRIVER = 'mesa-vulkan-drivers';
const PACKAGES = [DRIVER, 'libvulkan1'];
/** Dawn refuses Mesa 22. */
const OLDEST_MESA = 23;
/** Releases whose own Mesa is too old, with the backports that have a newer one. */
const BACKPORTS: Readonly<Record<string, string>> = { bookworm: 'bookworm-backports' };
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

export interface FetchOptions {
  /** Called with each step, one line. */
  say: (line: string) => void;
  /** Called with the progress of the download. */
  onBytes?: ((done: number, total: number) => void) | undefined;
  /** Replace one that was fetched before. */
  replace?: boolean;
}

/**
 * Fetches lavapipe and its dependencies into the cache folder as an ordinary user, and tries it. The result is complete
 * or absent: it is built in a folder of its own, and moved into place by one rename.
 *
 * @throws Error whose message gives the reason in one line
 */
export async function fetchLavapipe(
  cache: string,
  { say, onBytes, replace = false }: FetchOptions,
): Promise<FetchedLavapipe> {
  await makeFolder(cache);
  await removeAbandoned(cache);
  const work = await makeTemporaryFolder('fetching-', cache);
  const finished = removeFolderOnSignal(work);
  try {
    const apt = await Apt.open(work);
    const { files, version } = await choosePackages(apt);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    say(`fetching Mesa ${version} and what it needs: ${files.length} packages, ${formatBytes(bytes)} …`);
    await apt.download(files, join(work, 'packages'), onBytes);
    const built = await putTogether(work, version);
    const folder = fetchedFolder(cache);
    // Another process may have finished first. Replace an incomplete folder.
    if (replace || findFetched(cache) === undefined) {
      await move(folder, join(work, 'old')).catch(() => undefined);
      await move(built, folder).catch((error: unknown) => {
        if (findFetched(cache) === undefined) throw error;
      });
    }
  } finally {
    await removeFolder(work);
    finished();
  }
  const fetched = findFetched(cache);
  if (!fetched) throw new Error(`${fetchedFolder(cache)} is not whole`);
  return fetched;
}

/** Chooses the missing packages, in the newest version that this release has and Dawn accepts. */
async function choosePackages(apt: Apt): Promise<{ files: PackageFile[]; version: string }> {
  const { codename, name } = osRelease();
  await apt.update();
  const usable = (version: string | undefined) => Number.parseInt(version ?? '', 10) >= OLDEST_MESA;
  let release: string | undefined;
  let version = await apt.candidate(DRIVER);
  if (!usable(version)) {
    release = BACKPORTS[codename];
    if (!release) {
      // Without lists there is no candidate: throw apt's own reason.
      if (version === undefined) await apt.missing(PACKAGES);
      throw new Error(`${name} has Mesa ${version ?? '(none)'}, and Dawn wants ${OLDEST_MESA} or newer`);
    }
    await apt.addRelease(release, codename);
  }
  const files = await apt.missing(PACKAGES, release);
  version = files.find((file) => file.name === DRIVER)?.version ?? version;
  if (!usable(version)) throw new Error(`${release ?? name} has no Mesa ${OLDEST_MESA} or newer`);
  if (!files.some((file) => file.name === DRIVER))
    throw new Error(`${DRIVER} ${version} is installed, but does not work`);
  const own = files.find((file) => ['libc6', 'libstdc++6', 'libgcc-s1'].includes(file.name));
  // These are already loaded, in the system's version.
  if (own) throw new Error(`it needs a newer ${own.name} than this system has: \`sudo apt-get upgrade\` first`);
  return { files, version: version as string };
}

/** Unpacks the packages, keeps only the libraries that the driver needs, and tries it. Returns the folder. */
async function putTogether(work: string, version: string): Promise<string> {
  const root = join(work, 'root');
  await makeFolder(root);
  for (const file of await readdir(join(work, 'packages'))) {
    const { code, output } = await runTool('dpkg-deb', ['-x', join(work, 'packages', file), root], work);
    if (code !== 0) throw new Error(`${file} cannot be unpacked: ${output.trim()}`);
  }
  const libraries = await librariesIn(root);
  const driver = libraries.get('libvulkan_lvp.so');
  if (!driver) throw new Error(`${DRIVER} ${version} holds no libvulkan_lvp.so`);
  const loader = libraries.get('libvulkan.so.1');
  const order = await loadOrder([driver, ...(loader ? [loader] : [])], libraries);

  const built = join(work, 'built');
  await makeFolder(built);
  const names: string[] = [];
  for (const path of order) {
    const name = basename(path);
    // A rename keeps the date, which identifies the build.
    await move(path, join(built, name));
    names.push(name);
  }
  const icd = 'lvp_icd.json';
  await writeFileAtomic(join(built, icd), await icdText(root, basename(driver)));
  const manifest: Manifest = { version, icd, libraries: names };
  await writeFileAtomic(join(built, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
  await tryOut({ folder: built, version, icd: join(built, icd), libraries: names.map((name) => join(built, name)) });
  return built;
}

/** The package's ICD file, pointing to the library beside it. */
async function icdText(root: string, library: string): Promise<string> {
  const folder = join(root, 'usr', 'share', 'vulkan', 'icd.d');
  const name = (await readdir(folder)).find((each) => /^lvp_icd.*\.json$/.test(each));
  if (!name) throw new Error('the package holds no lvp_icd.json');
  const { file_format_version, ICD } = JSON.parse(await readFile(join(folder, name), 'utf8'));
  return `${JSON.stringify({ ICD: { ...ICD, library_path: `./${library}` }, file_format_version }, null, 1)}\n`;
}

async function tryOut(fetched: FetchedLavapipe): Promise<void> {
  const { failure, message } = await probe(lavapipeRecipe(process.env, fetched.icd, fetched), false, process.env, '');
  if (failure) throw new Error(`Mesa ${fetched.version} was fetched, but does not work: ${message ?? failure}`);
}

/** Removes folders that killed processes left. A running process has a younger folder. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('fetching-')) continue;
    const path = join(cache, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await removeFolder(path);
  }
}
