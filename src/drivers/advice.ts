import { readFileSync } from 'node:fs';
import type { CandidateReport } from './types.ts';

export interface Advice {
  /** The one command to run; absent when there is nothing to install. */
  command?: string;
  /** What it brings, or why there is nothing to do. */
  text: string;
}

/** What would get this machine a faster adapter than the ones found. Speeds are those of the README's comparison. */
export function adviseFaster(candidates: readonly CandidateReport[], osRelease: string = readOsRelease()): Advice {
  const works = (kind: CandidateReport['kind']) => candidates.some((c) => c.kind === kind && c.ok);
  if (works('gpu')) return { text: 'nothing: a GPU is in use' };
  if (works('lavapipe')) return { text: 'nothing to install: lavapipe is the fastest driver without a GPU' };
  if (process.platform === 'darwin')
    return { text: 'nothing to install: macOS brings Metal, and this Mac shows no Metal device' };
  if (process.platform === 'win32') return { text: "the GPU vendor's current driver, if this PC has a GPU" };
  const command = lavapipeCommand(osRelease);
  if (!command)
    return { text: "lavapipe, Mesa's CPU driver: install Mesa 23 or newer with its Vulkan drivers, and libvulkan" };
  return { command, text: "lavapipe, Mesa's CPU driver: about five times SwiftShader's arithmetic" };
}

function lavapipeCommand(osRelease: string): string | undefined {
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '';
  const family = new Set([field('ID'), ...field('ID_LIKE').split(' ')]);
  // Debian 12's own Mesa is too old for Dawn; its backports are not.
  if (field('ID') === 'debian' && field('VERSION_ID') === '12') return 'sudo sh scripts/install-lavapipe.sh';
  if (family.has('debian') || family.has('ubuntu')) return 'sudo apt-get install -y mesa-vulkan-drivers libvulkan1';
  if (family.has('fedora') || family.has('rhel')) return 'sudo dnf install -y mesa-vulkan-drivers vulkan-loader';
  if (family.has('arch')) return 'sudo pacman -S --needed vulkan-swrast vulkan-icd-loader';
  if (family.has('suse') || family.has('opensuse')) return 'sudo zypper install -y libvulkan_lvp libvulkan1';
  return undefined;
}

export function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Not a Linux that says what it is.
    return '';
  }
}
