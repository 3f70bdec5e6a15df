/**
 * `npm run fuzz`: damages good files of every kind that the program reads, and reads them. Each must be read, or
 * refused with a message that names it, within ten seconds and with little more memory than its content needs.
 *
 *     npm run fuzz                               1,000 files of each kind
 *     npm run fuzz -- --minutes 60               as many as fit into an hour
 *     npm run fuzz -- --kind png --seed 7 --from 42 --runs 1      repeats one
 *
 * Keeps files that failed in fuzz-failures/. The same seed damages files in the same way.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RandomStream } from '../../src/engine/util/random.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/engine/util/safetensors.ts';
import { mendChecksums, mutate, mutateJson } from './mutate.ts';
import { seeds } from './seeds.ts';
import type { Answer } from './target.ts';

const MOST_SECONDS = 10;
/** Time is counted in turns of this process: a machine that stalls holds both processes up, and adds no turns. */
const TURN_MS = 100;
const TOO_LONG = `took more than ${MOST_SECONDS} s`;
/** Memory allowed beyond the file's content: for decoders' buffers and loaded code. */
const SPARE_BYTES = 256 * 2 ** 20;

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    kind: { type: 'string', multiple: true },
    minutes: { type: 'string' },
  },
});
const [runs, seed, from] = [values.runs, values.seed, values.from].map(Number) as [number, number, number];
const end =
  values.minutes === undefined ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * Number(values.minutes);

const home = mkdtempSync(join(tmpdir(), 'pixtape-fuzz-'));
// The classes that the damaged tables may name.
mkdirSync(join(home, 'a'));
for (const name of ['a/1.png', 'a/2.png', '1.png']) writeFileSync(join(home, name), '');
const good = await seeds(resolve(here, '..', '..'));
const all = [...Object.keys(good), 'config'];
const kinds = all.filter((kind) => values.kind?.includes(kind) ?? true);

function damaged(kind: string, n: number): Uint8Array {
  const random = new RandomStream(seed, all.indexOf(kind) + 1, n);
  const files = good[kind === 'config' ? 'checkpoint' : kind] as Uint8Array[];
  const pick = () => files[random.below(files.length)] as Uint8Array;
  if (kind === 'config') return withOtherConfig(pick(), random);
  const changed = mutate(pick(), pick(), random);
  return kind === 'png' && random.uniform() < 0.5 ? mendChecksums(changed) : changed;
}

/** A valid file with a damaged description. */
function withOtherConfig(file: Uint8Array, random: RandomStream): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(file, 'seed');
  const field = ['config', 'config', 'config', 'run', 'step'][random.below(5)] as string;
  const other = JSON.stringify(mutateJson(JSON.parse(metadata[field] ?? 'null'), random)) ?? '';
  return new Uint8Array(Buffer.concat(encodeSafetensors(tensors, { ...metadata, [field]: other })));
}

let child: ChildProcess | undefined;
let peak = 0;

/** Lets the other process read a file. @returns what went wrong, or '' */
async function run(kind: string, path: string, bytes: number): Promise<string> {
  child ??= fork(join(here, 'target.js'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const process = child;
  let said = '';
  const listen = (text: Buffer) => {
    said = (said + text).slice(-2000);
  };
  process.stderr?.on('data', listen);
  const answer = await new Promise<Answer | string>((done) => {
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns * TURN_MS >= 1000 * MOST_SECONDS) finish(TOO_LONG);
    }, TURN_MS);
    const finish = (what: Answer | string) => {
      clearInterval(timer);
      process.removeAllListeners('exit').removeAllListeners('message');
      done(what);
    };
    process.once('message', (message) => finish(message as Answer));
    process.once('exit', (code, signal) => finish(`ended the process (${signal ?? code}): ${said}`));
    process.send({ kind, path });
  });
  process.stderr?.off('data', listen);
  if (typeof answer === 'string') return stop(answer);
  const grown = peak === 0 ? 0 : answer.peak - peak;
  peak = Math.max(peak, answer.peak);
  if (grown > SPARE_BYTES + 8 * bytes) return stop(`took ${Math.round(grown / 2 ** 20)} MiB for ${bytes} bytes`);
  return answer.outcome === 'read' || answer.outcome === 'refused' ? '' : answer.outcome;
}

function stop(what: string): string {
  child?.kill('SIGKILL');
  child = undefined;
  peak = 0;
  return what;
}

const counts = new Map<string, number>();
const failures: string[] = [];
const upTo = values.minutes === undefined ? from + runs : Number.POSITIVE_INFINITY;
for (let n = from; n < upTo && performance.now() < end; n++) {
  for (const kind of kinds) {
    const bytes = damaged(kind, n);
    const path = join(home, `${kind}.bin`);
    writeFileSync(path, bytes);
    const first = await run(kind, path, bytes.length);
    // A busy machine may delay any process this long. A file that hangs does so again.
    const wrong = first === TOO_LONG ? await run(kind, path, bytes.length) : first;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if (wrong === '') continue;
    mkdirSync('fuzz-failures', { recursive: true });
    const kept = join('fuzz-failures', `${kind}-${seed}-${n}.bin`);
    writeFileSync(kept, bytes);
    failures.push(kept);
    console.log(`${kept}: ${wrong}\n  again: npm run fuzz -- --kind ${kind} --seed ${seed} --from ${n} --runs 1`);
  }
}
child?.kill();
rmSync(home, { recursive: true, force: true });
console.log([...counts].map(([kind, count]) => `${kind} ${count}`).join(', '));
console.log(
  `${[...counts.values()].reduce((a, b) => a + b, 0)} damaged files read or refused, ${failures.length} wrong`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
