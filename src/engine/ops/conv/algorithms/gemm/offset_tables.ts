import type { Device } from '../../../../gpu/device.ts';
import type { Program } from '../../../../gpu/program.ts';
import type { Storage } from '../../../../gpu/storage.ts';
import { currentProgram } from '../../../../tape/current.ts';
import type { ConvDirection } from '../../algorithm.ts';
import type { ConvGeometry } from '../../geometry.ts';

/**
 * The tables of `shaders/conv/gemm/gemm_operands.wgsl`. A convolution multiplies value x[n, c, i·s − p + d·u, j·s − p + d·v] with the
 * weight w[o, c, u, v] and adds to y[n, o, i, j]. The address in x is a part that (n, i, j) decides plus one that (c, u, v)
 * does, so a table of positions and one of taps say where everything is, for any stride, padding and dilation. An input's gradient
 * has the same two tables with x and y exchanged.
 *
 * An entry is: offset in the picture that is gathered from (x, or dy); bits; offset in the other operand. The bits of a tap
 * are its u and its v, one bit each; those of a position are the u and the v for which nothing is there.
 */

/** Bits for each of u and v: the largest side of a kernel. */
export const LARGEST_SIDE = 15;
/** Set for every position, and for what fills a table up: that is nowhere. */
const EVERYWHERE = 2 ** (2 * LARGEST_SIDE);
const NOWHERE = 0xffffffff;
/** The kernel reads four entries as three vectors, and takes at least PASSES of them. */
const QUAD = 4;
const PASSES = 16;

interface Entry {
  offset: number;
  bits: number;
  other: number;
}

/** Fills a table by the index of the entry. */
type Fill = (write: (i: number, entry: Entry) => void) => void;

/**
 * The table of a product's columns and that of its depth, the same for each group; `count` output channels are those of a
 * slice of the weight, or of a group, and `pictures` those whose positions the table has.
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
  // Layers share a table where nothing in it tells them apart; channels only do where there are several pictures.
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

/** (n, i, j): where its window begins in x, and where it is in y. */
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

/** (c, u, v): what it adds to that in x, and where it is in a row of w. */
function inputTaps(g: ConvGeometry, write: (i: number, entry: Entry) => void): void {
  const { inC, inH, inW, groups, kernelH, kernelW, dilationH, dilationW } = g;
  eachPosition(inC / groups, kernelH, kernelW, (index, c, u, v) => {
    write(index, { offset: (c * inH + u * dilationH) * inW + v * dilationW, bits: tapBits(u, v), other: index });
  });
}

/** (n, h, q) of x: the output position that its first tap brought it into, and where it is in x. */
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
 * (o, u, v): what it takes away from that in dy, and where it is in w. Of the positions that a tap of a stride s reaches,
 * h + p = s·i + r, only those have a gradient for which d·u = s·m + r: it is at i − m.
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

/** For each place along one axis a bit for each tap that finds nothing there. */
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

/** The table of this name in the program that is being recorded: made once, filled before it first runs. */
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
    // Offsets before the first element wrap around, as sums of them do in the kernel.
    values[at] = offset;
    values[at + QUAD] = bits;
    values[at + 2 * QUAD] = other;
  });
  return values;
}
