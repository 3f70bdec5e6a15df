import { existsSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OsRelease, osRelease } from './os_release.ts';
import type { CandidateReport } from './types.ts';

export interface Advice {
  /** The command to run; absent if there is nothing to install. */
  command?: string;
  /** What it brings, or why there is nothing to do. */
  text: string;
}

/** What advice depends on about this machine. */
export interface System {
  platform: NodeJS.Platform;
  release: OsRelease;
  /** Whether Node is built against musl. Dawn's binding is not. */
  musl: boolean;
  /** Whether there is a command of this name on the PATH. */
  has(command: string): boolean;
  /** The folder of the clone's or the package's scripts. */
  scripts: string;
}

/** What would get this machine a faster adapter than the ones found. Speeds are those of the README's comparison. */
export function adviseFaster(candidates: readonly CandidateReport[], system: System = thisSystem()): Advice {
  const works = (kind: CandidateReport['kind']) => candidates.some((c) => c.kind === kind && c.ok);
  if (works('gpu')) return { text: 'nothing: a GPU is in use' };
  if (works('lavapipe')) return { text: 'nothing to install: lavapipe is the fastest driver without a GPU' };
  if (system.platform === 'darwin')
    return { text: 'nothing to install: macOS brings Metal, and this Mac shows no Metal device' };
  if (system.platform === 'win32') return { text: "the GPU vendor's current driver, if this PC has a GPU" };
  if (system.musl) {
    return {
      text: 'a system with glibc: Dawn is built for it, and this one (Alpine?) has musl. In Docker, node:22-slim',
    };
  }
  const text = "lavapipe, Mesa's CPU driver: about five times SwiftShader's arithmetic";
  // Only a clone can fetch; a package ships no set-up scripts.
  if (system.has('apt-get') && existsSync(join(system.scripts, 'lavapipe.mjs'))) {
    return { command: 'npm run lavapipe', text: `${text}; fetched into the cache folder, without root` };
  }
  const command = lavapipeCommand(system);
  if (!command)
    return { text: "lavapipe, Mesa's CPU driver: install Mesa 23 or newer with its Vulkan drivers, and libvulkan" };
  return { command, text };
}

/** The command that installs lavapipe on a Linux system; undefined for unknown distributions. */
export function lavapipeCommand({ release: { id, version, family }, has, scripts }: System): string | undefined {
  // Debian 12's own Mesa is too old for Dawn. Its backports are new enough, but must be enabled first.
  if (id === 'debian' && version === '12') return `sudo sh ${shortest(join(scripts, 'install-lavapipe.sh'))}`;
  if (family.has('debian') || family.has('ubuntu')) {
    return 'sudo apt-get install -y mesa-vulkan-drivers libvulkan1';
  }
  if (family.has('fedora') || family.has('rhel')) return 'sudo dnf install -y mesa-vulkan-drivers vulkan-loader';
  if (family.has('arch')) return 'sudo pacman -S --needed vulkan-swrast vulkan-icd-loader';
  if (family.has('suse') || family.has('opensuse')) return 'sudo zypper install -y libvulkan_lvp libvulkan1';
  if (family.has('alpine') || family.has('wolfi')) return 'sudo apk add mesa-vulkan-swrast vulkan-loader';
  if (has('brew')) return 'brew install mesa vulkan-loader';
  return undefined;
}

export function thisSystem(): System {
  return { platform: process.platform, release: osRelease(), musl: isMusl(), has: onPath, scripts: scriptsFolder() };
}

/** The command's bundle lies one folder below the clone or package, this file two, the library's modules three. */
function scriptsFolder(): string {
  const places = ['../scripts', '../../scripts', '../../../scripts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return places.find((path) => existsSync(join(path, 'install-lavapipe.sh'))) ?? 'scripts';
}

/** Makes a path relative to the working directory if it lies below it, for a command line. */
function shortest(path: string): string {
  const seen = relative(process.cwd(), path);
  return seen.startsWith('..') ? path : seen;
}

export function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, command)));
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  // Of the report only this field matters. It is absent without glibc.
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header !== undefined && report.header.glibcVersionRuntime === undefined;
}
