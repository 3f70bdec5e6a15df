import type { Device } from '../../../../gpu/device.ts';
import type { Program } from '../../../../gpu/program.ts';
import type { Storage } from '../../../../gpu/storage.ts';
import { currentProgram } from '../../../../tape/current.ts';
import type { ConvDirection } from '../../algorithm.ts';
import type { ConvGeometry } from '../../geometry.ts';

/**
 * The tables of `shaders/conv/gemm/gemm_operands.wgsl`. A convolution multiplies value x[n, c, i·s − p + d·u, j·s − p +
 * d·v] by the weight w[o, c, u, v] and adds the product to y[n, o, i, j]. The address in x is a part given by (n, i, j)
 * plus a part given by (c, u, v). So one table of positions and one of taps give every address, for any stride, padding
 * and dilation. An input gradient has the same two tables with x and y exchanged.
 *
 * An entry holds the offset in the gathered picture (x, or dy), bits, and the offset in the other operand. The bits of
 * a tap are its u and its v, one bit each. The bits of a position are the u and the v for which there is no value.
 */

/** Bits for each of u and v, and so the largest side of a kernel. */
export const LARGEST_SIDE = 15;
/** Set in every position, and in the entries that pad a table: these have no value anywhere. */
const EVERYWHERE = 2 ** (2 * LARGEST_SIDE);
const NOWHERE = 0xffffffff;
/** The kernel reads four entries as three vectors, and at least PASSES of them. */
const QUAD = 4;
const PASSES = 16;

interface Entry {
  offset: number;
  bits: number;
  other: number;
}

/** Fills a table. Entries are written by index. */
type Fill = (write: (i: number, entry: Entry) => void) => void;

/**
 * The tables of a product's columns and of its depth, the same for each group. `count` output channels are those of a
 * slice of the weight, or of a group. `pictures` are those whose positions the table holds.
 */
export function offsetTables(
  device: Device,
  g: ConvGeometry,
  direction: ConvDirection,
  count: number,
  pictures: number,
) {
  const { inC, inH, inW, outC, outH, outW, kernelH, kernelW, strideH, strideW, padH, padW, dilationH, dilationW } = g;
  const into = inC / g.groups;
  const taps = kernelH * kernelW;
  const window = [kernelH, kernelW, strideH, strideW, padH, padW, dilationH, dilationW];
  // Layers share a table if their entries are equal. Channels make a difference only with several pictures.
  const sides = [inH, inW, outH, outW, ...(pictures > 1 ? [pictures, inC, outC] : [])];
  const table = (name: string, keys: readonly number[], entries: number, fill: Fill) =>
    tableFor(device, `${name} ${[...keys, ...window]}`, entries, fill);
  if (direction === 'inputGradient') {
    return {
      columns: table('input positions', sides, pictures * inH * inW, (write) => inputPositions(g, pictures, write)),
      depths: table('output taps', [count, into, outH, outW], count * taps, (write) => outputTaps(g, count, write)),
    };
  }
  const positions = table('output positions', sides, pictures * outH * outW, (write) =>
    outputPositions(g, pictures, write),
  );
  const inputs = table('input taps', [into, inH, inW], into * taps, (write) => inputTaps(g, write));
  return direction === 'forward' ? { columns: positions, depths: inputs } : { columns: inputs, depths: positions };
}

/** (n, i, j): the offset of its window in x, and its own offset in y. */
function outputPositions(g: ConvGeometry, pictures: number, write: (i: number, entry: Entry) => void): void {
  const { inC, inH, inW, outC, outH, outW, strideH, strideW, padH, padW, dilationH, dilationW } = g;
  const rows = missing(outH, g.kernelH, (i, u) => inRange(i * strideH - padH + u * dilationH, inH));
  const cols = missing(outW, g.kernelW, (j, v) => inRange(j * strideW - padW + v * dilationW, inW));
  eachPosition(pictures, outH, outW, (index, n, i, j) => {
    write(index, {
      offset: (n * inC * inH + i * strideH - padH) * inW + j * strideW - padW,
      bits: positionBits(rows[i], cols[j]),
      other: (n * outC * outH + i) * outW + j,
    });
  });
}

/** (c, u, v): what it adds to the window's offset in x, and its offset in a row of w. */
function inputTaps(g: ConvGeometry, write: (i: number, entry: Entry) => void): void {
  const { inC, inH, inW, groups, kernelH, kernelW, dilationH, dilationW } = g;
  eachPosition(inC / groups, kernelH, kernelW, (index, c, u, v) => {
    write(index, { offset: (c * inH + u * dilationH) * inW + v * dilationW, bits: tapBits(u, v), other: index });
  });
}

/** (n, h, q) of x: the output position to which its first tap contributes, and its offset in x. */
function inputPositions(g: ConvGeometry, pictures: number, write: (i: number, entry: Entry) => void): void {
  const { inC, inH, inW, outC, outH, outW, strideH, strideW, padH, padW, dilationH, dilationW } = g;
  const rows = missing(inH, g.kernelH, (h, u) => isOutput(h + padH - u * dilationH, strideH, outH));
  const cols = missing(inW, g.kernelW, (q, v) => isOutput(q + padW - v * dilationW, strideW, outW));
  eachPosition(pictures, inH, inW, (index, n, h, q) => {
    const [i, j] = [Math.floor((h + padH) / strideH), Math.floor((q + padW) / strideW)];
    write(index, {
      offset: (n * outC * outH + i) * outW + j,
      bits: positionBits(rows[h], cols[q]),
      other: (n * inC * inH + h) * inW + q,
    });
  });
}

/**
 * (o, u, v): what it subtracts from that offset in dy, and its offset in w. A tap reaches positions h + p = s·i + r, s
 * being the stride. Only those have a gradient for which d·u = s·m + r: it is at i − m.
 */
function outputTaps(g: ConvGeometry, count: number, write: (i: number, entry: Entry) => void): void {
  const { inC, outH, outW, groups, kernelH, kernelW, strideH, strideW, dilationH, dilationW } = g;
  const into = inC / groups;
  eachPosition(count, kernelH, kernelW, (index, o, u, v) => {
    const [m, k] = [Math.floor((u * dilationH) / strideH), Math.floor((v * dilationW) / strideW)];
    const offset = (o * outH - m) * outW - k;
    write(index, { offset, bits: tapBits(u, v), other: (o * into * kernelH + u) * kernelW + v });
  });
}

const inRange = (i: number, end: number): boolean => i >= 0 && i < end;
const isOutput = (i: number, stride: number, end: number): boolean => i % stride === 0 && inRange(i / stride, end);
const tapBits = (u: number, v: number): number => 2 ** u + 2 ** (LARGEST_SIDE + v);
const positionBits = (row = 0, col = 0): number => EVERYWHERE + row + 2 ** LARGEST_SIDE * col;

/** For each place along one axis, one bit per tap that finds no value there. */
function missing(places: number, taps: number, there: (place: number, tap: number) => boolean): number[] {
  return Array.from({ length: places }, (_, place) => {
    let bits = 0;
    for (let tap = 0; tap < taps; tap++) if (!there(place, tap)) bits += 2 ** tap;
    return bits;
  });
}

function eachPosition(
  outer: number,
  height: number,
  width: number,
  visit: (index: number, outer: number, row: number, col: number) => void,
): void {
  let index = 0;
  for (let n = 0; n < outer; n++) {
    for (let row = 0; row < height; row++) for (let col = 0; col < width; col++) visit(index++, n, row, col);
  }
}

const tables = new WeakMap<Program, Map<string, Storage>>();

/**
 * The table of this name in the program that is being recorded. Made once, and filled before the program first runs.
 */
function tableFor(device: Device, name: string, entries: number, fill: Fill): Storage {
  const program = currentProgram(device);
  const known = tables.get(program) ?? new Map<string, Storage>();
  tables.set(program, known);
  let table = known.get(name);
  if (!table) {
    const words = 3 * Math.ceil(entries / PASSES) * PASSES;
    table = program.table(words, name, () => filled(words, fill));
    known.set(name, table);
  }
  return table;
}

function filled(words: number, fill: Fill): Uint32Array {
  const values = new Uint32Array(words);
  for (let i = 0; i < words; i += 3 * QUAD) values.fill(NOWHERE, i + QUAD, i + 2 * QUAD);
  fill((i, { offset, bits, other }) => {
    const at = Math.floor(i / QUAD) * 3 * QUAD + (i % QUAD);
    // Offsets before the first element wrap around, and so do their sums in the kernel.
    values[at] = offset;
    values[at + QUAD] = bits;
    values[at + 2 * QUAD] = other;
  });
  return values;
}
