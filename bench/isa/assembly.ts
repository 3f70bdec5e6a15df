/**
 * Reads AMD machine code as Mesa prints it: basic blocks `BB7:` in order, one instruction a line. Finds the loop in which a
 * kernel spends its time, and counts its instructions by kind.
 * Source: AMD, "RDNA 2" and "RDNA3 Instruction Set Architecture: Reference Guide".
 */

interface Instruction {
  op: string;
  args: string;
}

interface Program {
  blocks: Instruction[][];
  /** The index of each block by its name. */
  names: ReadonlyMap<string, number>;
}

/** Blocks `first` to `last`, the last of which jumps back to the first. */
interface Loop {
  first: number;
  last: number;
  /** How often it runs, if that is a constant. */
  trips: number | undefined;
}

/** Instructions by kind. Two that are issued as one (`v_dual_… :: v_dual_…`) are one vector instruction. */
export interface Counts {
  /** Multiply-adds of floats, and the vector instructions that hold any. */
  multiplyAdds: number;
  multiplyAddIssues: number;
  /** Of them, multiplications of whole matrices. */
  matrixMultiplies: number;
  vector: number;
  /** Multiplications of integers, vector and scalar; a division is several. */
  integerMultiplies: number;
  scalar: number;
  /** Loads and stores: of workgroup memory, of memory, and of memory by the scalar unit (once for all lanes). */
  workgroupMemory: number;
  memory: number;
  scalarMemory: number;
  branches: number;
  barriers: number;
}

export interface HotLoop {
  counts: Counts;
  /** Whether the code has any loop: without one, everything is counted. */
  loop: boolean;
}

/**
 * One pass of the innermost loop with the most multiply-adds, or of the longest loop if no loop has any. A loop that runs
 * a constant number of times belongs to the pass of the loop around it.
 */
export function hotLoop(assembly: string): HotLoop {
  const program = parse(assembly);
  const loops = findLoops(program);
  const weight = (loop: Loop) => {
    const { multiplyAdds, vector, memory } = count(program, loop, []);
    return multiplyAdds * 1e6 + vector + memory;
  };
  const innermost = loops.filter((loop) => !loops.some((other) => isInside(other, loop)));
  const [first, ...others] = innermost;
  if (!first)
    return { counts: count(program, { first: 0, last: program.blocks.length - 1, trips: 1 }, []), loop: false };
  let hot = others.reduce((best, loop) => (weight(loop) > weight(best) ? loop : best), first);
  while (hot.trips !== undefined) {
    const around = loops.filter((loop) => isInside(hot, loop));
    if (around.length === 0) break;
    hot = around.reduce((a, b) => (b.last - b.first < a.last - a.first ? b : a));
  }
  return { counts: count(program, hot, loops), loop: true };
}

function parse(assembly: string): Program {
  const blocks: Instruction[][] = [];
  const names = new Map<string, number>();
  for (const line of assembly.split('\n')) {
    const label = /^(BB\d+):/.exec(line)?.[1];
    if (label !== undefined) {
      names.set(label, blocks.length);
      blocks.push([]);
      continue;
    }
    const [, op, args] = /^\s+([a-z]\w*)\s*([^;]*)/.exec(line) ?? [];
    if (op !== undefined) blocks.at(-1)?.push({ op, args: (args as string).trim() });
  }
  return { blocks, names };
}

function findLoops({ blocks, names }: Program): Loop[] {
  // Count one loop for each block that is jumped back to, because `continue` jumps there too.
  const ends = new Map<number, number>();
  blocks.forEach((block, last) => {
    for (const { op, args } of block) {
      const first = /^s_c?branch/.test(op) ? names.get(args) : undefined;
      if (first !== undefined && first <= last) ends.set(first, last);
    }
  });
  return [...ends].map(([first, last]) => {
    const body = blocks.slice(first, last + 1).flat();
    return { first, last, trips: constantTrips(body, blocks.slice(0, first).flat()) };
  });
}

/** How often a loop runs, if it counts from 0 to a constant in a scalar register. */
function constantTrips(body: readonly Instruction[], before: readonly Instruction[]): number | undefined {
  for (const { op, args } of body) {
    const [, register, bound] = /^(s\d+), (0x[0-9a-f]+|\d+)$/.exec(args) ?? [];
    if (!/^s_cmpk?_/.test(op) || register === undefined) continue;
    const steps = body.filter((i) => /^s_add/.test(i.op) && i.args.startsWith(`${register}, `));
    const step = /(?:^|, )(0x[0-9a-f]+|\d+)$/.exec(steps[0]?.args ?? '')?.[1];
    const zero = before.some((i) => /^s_mov/.test(i.op) && i.args === `${register}, 0`);
    if (steps.length === 1 && step !== undefined && zero) return Math.ceil(Number(bound) / Number(step));
  }
  return undefined;
}

/** Whether `a` is a loop within the loop `b`. */
function isInside(a: Loop, b: Loop): boolean {
  return a !== b && a.first >= b.first && a.last <= b.last;
}

/**
 * Counts one pass of a loop. Loops of `inner` within it count as often as they run if that is a constant, else once.
 */
function count(program: Program, loop: Loop, inner: readonly Loop[]): Counts {
  const counts: Counts = {
    multiplyAdds: 0,
    multiplyAddIssues: 0,
    matrixMultiplies: 0,
    vector: 0,
    integerMultiplies: 0,
    scalar: 0,
    workgroupMemory: 0,
    memory: 0,
    scalarMemory: 0,
    branches: 0,
    barriers: 0,
  };
  const within = inner.filter((other) => isInside(other, loop));
  for (let i = loop.first; i <= loop.last; i++) {
    const times = within.reduce((n, { first, last, trips = 1 }) => (i >= first && i <= last ? n * trips : n), 1);
    for (const instruction of program.blocks[i] ?? []) add(counts, instruction, times);
  }
  return counts;
}

const MULTIPLY_ADD = /(?:fmac|fma|fmamk|fmaak|mac|mad)_f(?:16|32)|v_wmma_/g;
const INTEGER_MULTIPLY = /_mul_(?:lo|hi|[iu])|_mad_(?:[iu]|co_[iu])|_mul_i32/;

function add(counts: Counts, { op, args }: Instruction, times: number): void {
  if (INTEGER_MULTIPLY.test(op)) counts.integerMultiplies += times;
  if (op.startsWith('v_')) {
    const multiplyAdds = `${op} ${args}`.match(MULTIPLY_ADD)?.length ?? 0;
    counts.multiplyAdds += multiplyAdds * times;
    if (multiplyAdds > 0) counts.multiplyAddIssues += times;
    if (op.startsWith('v_wmma_')) counts.matrixMultiplies += times;
    counts.vector += times;
  } else if (op.startsWith('ds_')) counts.workgroupMemory += times;
  else if (/^(?:buffer|global|flat|scratch)_(?:load|store|atomic)/.test(op)) counts.memory += times;
  else if (/^s_(?:buffer_)?load/.test(op)) counts.scalarMemory += times;
  else if (/^s_c?branch/.test(op)) counts.branches += times;
  else if (op.startsWith('s_barrier')) counts.barriers += times;
  // Skip hints and waits: they use no arithmetic unit.
  else if (op.startsWith('s_') && !/^s_(?:delay|wait|nop|clause|set_inst|inst_prefetch)/.test(op))
    counts.scalar += times;
}
