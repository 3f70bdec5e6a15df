/**
 * `npm run scaling`: trains with 1, 2 and 4 ranks on this machine, in turns, and prints the table of docs/scaling.md. Each
 * rank has a core of its own, where there are as many, and one thread of its CPU driver. Weak scaling gives every rank the
 * whole batch, strong scaling a part of it.
 *
 *     npm run scaling                          over shared memory
 *     npm run scaling -- --network             and between network namespaces, 1 Gbit/s each (Linux, root, iproute2)
 *     npm run scaling -- --ranks 1,2 --rounds 5 --steps 200 --batch 4 -- --preset quick
 *
 * What comes behind the second -- are flags of `pixtape train`. Wants Open MPI and an idle machine.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, setup } from '../setup.mjs';

const SUBNET = '10.77.0';
const RATE = '1gbit';
const PAIRS = 32;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ranks: { type: 'string', default: '1,2,4' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '120' },
    batch: { type: 'string', default: '4' },
    network: { type: 'boolean', default: false },
  },
});
const counts = values.ranks.split(',').map(Number);
const [rounds, steps, batch] = [values.rounds, values.steps, values.batch].map(Number);
const flags = positionals.length > 0 ? positionals : ['--preset', 'quick'];

await setup();
must(process.execPath, [join(root, 'scripts', 'build.mjs')]);
const home = mkdtempSync(join(tmpdir(), 'pixtape-scaling-'));
try {
  await writePairs(join(home, 'pairs'));
  if (values.network) openNetwork(Math.max(...counts));
  measure(cases());
} finally {
  if (values.network) closeNetwork(Math.max(...counts));
  rmSync(home, { recursive: true, force: true });
}

/** What is measured in each round. The first is what the others are compared with. */
function cases() {
  const found = [{ kind: 'one rank', ranks: 1, each: batch, network: false }];
  for (const network of values.network ? [false, true] : [false]) {
    for (const ranks of counts.filter((n) => n > 1)) {
      found.push({ kind: 'weak', ranks, each: batch, network });
      if (batch % ranks === 0) found.push({ kind: 'strong', ranks, each: batch / ranks, network });
    }
  }
  return found;
}

function measure(all) {
  const load = loadavg()[0];
  if (load > 0.5) console.warn(`warning: the machine is busy (load ${load.toFixed(1)}): the figures mean little`);
  const results = all.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, one] of all.entries()) {
      results[i].push(run(one, `r${round}-${i}`));
      console.error(
        `round ${round + 1} of ${rounds}: ${one.kind}, ${one.ranks} ranks, ${results[i].at(-1).speed.toFixed(1)} img/s`,
      );
    }
  }
  console.log(
    `\n${cpus()[0]?.model}, ${cpus().length} cores; ${flags.join(' ')}; ${rounds} rounds of ${steps} steps, in turns\n`,
  );
  const rows = all.map(({ kind, ranks, each, network }, i) => {
    const speeds = results[i].map(({ speed }) => speed);
    const shares = speeds.map((speed, round) => (100 * speed) / (ranks * results[0][round].speed));
    const meetings = median(results[i].map(({ meeting }) => meeting));
    return [
      kind,
      network ? `${RATE} network` : 'shared memory',
      String(ranks),
      String(each),
      `${median(speeds).toFixed(1)} (${Math.min(...speeds).toFixed(1)}–${Math.max(...speeds).toFixed(1)})`,
      `${median(shares).toFixed(0)} %`,
      ranks > 1 ? `${meetings.toFixed(1)} ms` : '',
    ];
  });
  const head = ['scaling', 'over', 'ranks', 'batch of each', 'pictures a second', 'efficiency', 'meetings a step'];
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

/** Trains once. @returns pictures a second, and milliseconds of meetings a step */
function run({ ranks, each, network }, name) {
  const train = ['train', ...flags, '--dataroot', 'pairs', '--name', name];
  const program = [process.execPath, join(root, 'dist', 'pixtape.js'), ...train];
  const pinned = `exec taskset -c $((OMPI_COMM_WORLD_RANK % ${cpus().length})) "$@"`;
  const command = ['sh', '-c', pinned, 'sh', ...program, '--batch_size', String(each), '--steps', String(steps)];
  const mpirun = [
    'mpirun',
    ...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : []),
    ...['--oversubscribe', '--bind-to', 'none', '-x', 'LP_NUM_THREADS=1', '--wdir', home],
    ...(network ? overNetwork(ranks) : []),
    ...['-n', String(ranks), ...command],
  ];
  const [file, ...args] = network ? ['ip', 'netns', 'exec', space(0), ...mpirun] : mpirun;
  const said = must(file, args);
  const lines = readFileSync(join(home, 'runs', name, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n');
  // What was compiled on the way lies in the first half.
  const late = lines.slice(lines.length / 2).map((line) => JSON.parse(line).imagesPerSecond);
  const seconds = Number(/meetings took ([\d.]+) s/.exec(said)?.[1] ?? 0);
  return { speed: median(late), meeting: (1000 * seconds) / steps };
}

function overNetwork(ranks) {
  const agent = join(home, 'agent.sh');
  // What mpirun starts on another host by ssh, it starts here in another namespace, under another host's name.
  writeFileSync(
    agent,
    `#!/bin/sh\nhost=$1\nshift\nexec ip netns exec "pixtape$((\${host##*.} - 1))" unshare -u sh -c "hostname $host; $*"\n`,
  );
  chmodSync(agent, 0o755);
  const hosts = Array.from({ length: ranks }, (_, i) => `${address(i)}:1`).join(',');
  const own = `${SUBNET}.0/24`;
  return [
    ...['--host', hosts, '--mca', 'plm_rsh_agent', agent, '--mca', 'oob_tcp_if_include', own],
    ...['--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', own],
  ];
}

function openNetwork(ranks) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error(
      '--network needs Linux and root: it makes network namespaces. Leave it out, or start this as root.',
    );
  }
  closeNetwork(ranks);
  ip('link add pixtapebr type bridge');
  ip('link set pixtapebr up');
  for (let i = 0; i < ranks; i++) {
    ip(`netns add ${space(i)}`);
    ip(`link add pixtapev${i} type veth peer name eth0 netns ${space(i)}`);
    ip(`link set pixtapev${i} master pixtapebr up`);
    ip(`-n ${space(i)} addr add ${address(i)}/24 dev eth0`);
    ip(`-n ${space(i)} link set eth0 up`);
    ip(`-n ${space(i)} link set lo up`);
    must('tc', `-n ${space(i)} qdisc add dev eth0 root tbf rate ${RATE} burst 256kb latency 50ms`.split(' '));
  }
}

function closeNetwork(ranks) {
  for (let i = 0; i < ranks; i++) spawnSync('ip', ['netns', 'del', space(i)]);
  spawnSync('ip', ['link', 'del', 'pixtapebr']);
}

async function writePairs(folder) {
  const { default: sharp } = await import('sharp');
  mkdirSync(folder);
  for (let i = 0; i < PAIRS; i++) {
    const raw = { width: 128, height: 64, channels: 3 };
    const pixels = Buffer.from({ length: 3 * 128 * 64 }).map((_, at) => (at * (i + 3)) & 255);
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
}

function must(file, args) {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return stdout + stderr;
  const why = error?.code === 'ENOENT' ? `there is no ${file}: install Open MPI and iproute2` : `${stdout}\n${stderr}`;
  throw new Error(`${file} ${args.join(' ')}\n${why}`);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

function ip(text) {
  return must('ip', text.split(' '));
}

function space(i) {
  return `pixtape${i}`;
}

function address(i) {
  return `${SUBNET}.${i + 1}`;
}
