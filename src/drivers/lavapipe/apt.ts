import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../files/files.ts';
import { makeFolder } from '../../files/folder.ts';
import { sizeOf } from './fetched.ts';

/** A package file that apt would fetch. */
export interface PackageFile {
  /** `NAME=VERSION`, as apt takes it. */
  name: string;
  version: string;
  bytes: number;
}

/** Seconds to wait for a host that does not answer. */
const NETWORK_TIMEOUT = 15;

/**
 * Runs apt-get as any user, with state and caches below a folder. It reads the system's sources, keys and list of
 * installed packages, checks signatures and hashes as usual, and installs nothing.
 */
export class Apt {
  private readonly folder: string;
  private readonly options: string[];
  /** The first error or warning of the last `update`. */
  private complaint = '';

  private constructor(folder: string) {
    this.folder = folder;
    this.options = Object.entries({
      'Dir::State': join(folder, 'state'),
      'Dir::State::status': '/var/lib/dpkg/status',
      'Dir::Cache': join(folder, 'cache'),
      // Without root, apt cannot switch to its sandbox user.
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '1',
      'Acquire::http::Timeout': String(NETWORK_TIMEOUT),
      'Acquire::https::Timeout': String(NETWORK_TIMEOUT),
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  static async open(folder: string): Promise<Apt> {
    await makeFolder(join(folder, 'state', 'lists', 'partial'));
    await makeFolder(join(folder, 'cache', 'archives', 'partial'));
    return new Apt(folder);
  }

  /** Fetches the package lists. A source that does not answer is no error, since another may have the packages. */
  async update(): Promise<void> {
    const { output } = await this.run('apt-get', ['update']);
    this.complaint = complaintIn(output);
  }

  /** The version of a package that `install` would take; undefined if there is none. */
  async candidate(name: string): Promise<string | undefined> {
    const { output } = await this.run('apt-cache', ['policy', name]);
    const version = /^\s*Candidate: (\S+)$/m.exec(output)?.[1];
    return version === '(none)' ? undefined : version;
  }

  /** Adds a release to the sources, with the mirror and the keys of the release `from`. */
  async addRelease(release: string, from: string): Promise<void> {
    const fields = ['$(RELEASE)', '$(COMPONENT)', '$(REPO_URI)', '$(SIGNED_BY)'].join('\t');
    const { output } = await this.run('apt-get', ['indextargets', '--format', fields, 'Created-By: Packages']);
    const targets = output.split('\n').map((line) => line.split('\t'));
    if (targets.some(([name]) => name === release)) return;
    const main = targets.find(([name, component]) => name === from && component === 'main');
    if (!main) throw new Error(this.complaint || `apt's sources have no ${from} main`);
    const [, , uri, key] = main as [string, string, string, string];
    const line = `deb ${key.startsWith('/') ? `[signed-by=${key}] ` : ''}${uri} ${release} main\n`;
    const own = await readFile('/etc/apt/sources.list', 'utf8').catch(() => '');
    const list = join(this.folder, 'sources.list');
    await writeFileAtomic(list, `${own}\n${line}`);
    this.options.push('-o', `Dir::Etc::sourcelist=${list}`);
    await this.update();
  }

  /** The files that installing these packages would fetch, without those the system already has. */
  async missing(names: readonly string[], release?: string): Promise<PackageFile[]> {
    const target = release ? ['-t', release] : [];
    const args = ['install', '--print-uris', '--yes', '--no-install-recommends', ...target, ...names];
    const { code, output } = await this.run('apt-get', args);
    if (code !== 0) throw new Error(complaintIn(output) || this.complaint || `apt-get exits with ${code}`);
    return parseUris(output);
  }

  /** Downloads into `folder`, and creates it. Calls `onBytes` twice a second with the bytes so far. */
  async download(
    files: readonly PackageFile[],
    folder: string,
    onBytes?: (done: number, total: number) => void,
  ): Promise<void> {
    await makeFolder(folder);
    const total = files.reduce((sum, file) => sum + file.bytes, 0);
    const timer = setInterval(() => onBytes?.(sizeOf(folder), total), 500);
    const wanted = files.map(({ name, version }) => `${name}=${version}`);
    const { code, output } = await this.run('apt-get', ['download', ...wanted], folder);
    clearInterval(timer);
    onBytes?.(total, total);
    if (code !== 0) throw new Error(complaintIn(output) || `apt-get download exits with ${code}`);
  }

  private run(command: string, args: readonly string[], cwd = this.folder): Promise<Ended> {
    return runTool(command, [...this.options, ...args], cwd);
  }
}

interface Ended {
  code: number | null;
  /** stdout, then stderr. */
  output: string;
}

/**
 * Runs a system tool to its end, with English messages and without a terminal.
 * @throws Error if it cannot be started
 */
export function runTool(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, log] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    child.on('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.on('close', (code) => resolve({ code, output: `${out}\n${log}` }));
  });
}

/** Parses a line `'URI' NAME_VERSION_ARCHITECTURE.deb BYTES HASH` per file; a colon in a version is written %3a. */
export function parseUris(output: string): PackageFile[] {
  return [...output.matchAll(/^'[^']*' (\S+)_(\S+)_[^_\s]+\.deb (\d+)/gm)].map(([, name, version, bytes]) => ({
    name: name as string,
    version: decodeURIComponent(version as string),
    bytes: Number(bytes),
  }));
}

/** The first error that apt reports, or else its first warning. */
function complaintIn(output: string): string {
  const said = (letter: string) => new RegExp(`^${letter}: (.*)$`, 'm').exec(output)?.[1];
  return said('E') ?? said('W') ?? '';
}
