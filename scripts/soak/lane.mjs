import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup.mjs';
import { difference, logOf, tensorsOf } from './compare.mjs';

/** Kills that wait for a file to appear. */
const AIMS = {
  checkpoint: ['', /^\.latest.*\.tmp$/],
  'checkpoint, renamed': ['', /^latest\.safetensors$/],
  report: ['', /^\.report.*\.tmp$/],
  grid: ['samples', /^\.step.*\.tmp$/],
  lock: ['', /^\.\.?pixtape-lock/],
  log: ['', /^log\.jsonl$/],
};
/** Moments to draw from. Checkpoints are listed more often because they matter most. */
const MOMENTS = [...Object.keys(AIMS), 'checkpoint', 'checkpoint', 'starting', 'training', 'training', 'training'];
const SLOWEST_MS = 120_000;

/** A run that is killed repeatedly. */
export class Lane {
  counts = { kills: 0, torn: 0, lines: 0 };

  constructor({ home, name, command, model, every, draw }) {
    Object.assign(this, { home, name, command, model, every, draw });
    this.folder = join(home, 'runs', name);
    this.latest = join(this.folder, 'latest.safetensors');
  }

  /**
   * Starts or resumes the run, kills it at a drawn moment, and checks what it left. Returns a line that says what
   * happened.
   */
  async kill() {
    const before = existsSync(this.latest) ? (await tensorsOf(this.latest)).step : 0;
    const going = existsSync(this.latest);
    const where = this.pick(MOMENTS);
    const old = this.temporaries();
    const child = this.start(this.name, going, 1_000_000);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
    const stop = await Promise.race([this.moment(where), ended.then(() => 'ended')]);
    child.kill('SIGKILL');
    const { code, signal } = await ended;
    if (stop === 'ended' || signal !== 'SIGKILL') throw new Error(`${this.name} ended by itself (${code}):\n${said}`);
    this.counts.kills++;

    const left = this.temporaries().filter((file) => !old.includes(file));
    if (left.some((file) => file.startsWith('.latest'))) this.counts.torn++;
    const log = join(this.folder, 'log.jsonl');
    if (existsSync(log) && !/(^|\n)$/.test(readFileSync(log, 'utf8'))) this.counts.lines++;
    if (!existsSync(this.latest)) return `${where}: before the first checkpoint`;
    const { step } = await tensorsOf(this.latest);
    if (step < before) throw new Error(`${this.name} had saved step ${before}, and has ${step} now`);
    return `${where}: step ${before} → ${step}${left.length > 0 ? `, left ${left.join(', ')}` : ''}`;
  }

  /** Lets the run end by itself, and compares it with an undisturbed run to the same step. */
  async compare() {
    const reached = existsSync(this.latest) ? (await tensorsOf(this.latest)).step : 0;
    const last = reached + 4;
    await this.finish(this.name, existsSync(this.latest), last);
    const alone = `${this.name}-alone`;
    await this.finish(alone, false, last);
    const straight = join(this.home, 'runs', alone);
    const what =
      difference(await tensorsOf(this.latest), await tensorsOf(join(straight, 'latest.safetensors'))) ??
      difference(logOf(this.folder), logOf(straight));
    if (what) throw new Error(`${this.name} differs from a run that was not killed: ${what} (see ${this.home})`);
    const strange = readdirSync(this.folder).filter((file) => /\.tmp$|lock/.test(file));
    if (strange.length > 0) throw new Error(`${this.name} left ${strange.join(', ')}`);
    return `${this.name}: ${this.counts.kills} kills, ${last} steps: every tensor and every loss as without them`;
  }

  async finish(name, going, steps) {
    const child = this.start(name, going, steps);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    const code = await new Promise((done) => child.on('close', done));
    if (code !== 0) throw new Error(`${name} failed (${code}):\n${said}`);
  }

  start(name, going, steps) {
    const model = going ? ['--continue_train', '--print_freq', '1'] : this.model;
    const args = [this.command, ...model, '--name', name, '--steps', String(steps), ...this.every];
    return spawn(process.execPath, [join(root, 'dist', 'pixtape.js'), ...args], { cwd: this.home, stdio: 'pipe' });
  }

  /** Resolves when the moment has come. */
  moment(where) {
    if (where === 'starting') return new Promise((done) => setTimeout(done, 3000 * this.draw()));
    const training = where === 'training';
    const [below, pattern] = AIMS[training ? 'log' : where];
    const folder = join(this.folder, below);
    mkdirSync(folder, { recursive: true });
    const skip = Math.floor(3 * this.draw());
    const after = training ? 3000 * this.draw() : this.draw() < 0.5 ? 0 : 4 * this.draw();
    return new Promise((done, fail) => {
      let seen = 0;
      const watcher = watch(folder, (_, file) => {
        if (!file || !pattern.test(file) || seen++ < skip) return;
        watcher.close();
        clearTimeout(timer);
        if (after === 0) done();
        else setTimeout(done, after);
      });
      const timer = setTimeout(() => {
        watcher.close();
        fail(new Error(`${this.name} wrote no ${where} in ${SLOWEST_MS / 1000} s`));
      }, SLOWEST_MS);
    });
  }

  temporaries() {
    const folders = [this.folder, join(this.folder, 'samples')].filter((folder) => existsSync(folder));
    return folders.flatMap((folder) => readdirSync(folder).filter((file) => file.endsWith('.tmp')));
  }

  pick(values) {
    return values[Math.floor(this.draw() * values.length)];
  }
}
