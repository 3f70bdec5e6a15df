import type { DriverKind } from '../src/drivers/index.ts';
import type { Device } from '../src/engine/gpu/device.ts';
import type { Rounds, Timing } from './measure.ts';
import type { Missing } from './peers/open.ts';
import type { Peer } from './peers/peer.ts';
import type { PyTorch } from './peers/pytorch.ts';
import type { Table } from './report/table.ts';
import type { Roofline } from './roofline/roofline.ts';

/** What every section of the bench is given. Peers and roofline are opened and measured when first asked for. */
export interface Bench {
  device: Device;
  kind: DriverKind;
  rounds: Rounds;
  /** The environment before a driver was loaded, and the choice of adapter that leads to the same one again. */
  environment: NodeJS.ProcessEnv;
  adapterChoice: string;
  /** The program that takes a first step in a process of its own. */
  firstStep: string;
  /** Leave out what takes minutes. */
  quick: boolean;
  /** Only rows whose name holds this. */
  rows: string;
  roofline(): Promise<Roofline>;
  /** The engines that are compared, PyTorch among them, and those that could not be had. */
  peers(): Promise<{ peers: Peer[]; missing: Missing[] }>;
  pytorch(): Promise<PyTorch | Missing>;
  /** Those that were opened so far. */
  opened: readonly { name: string; version: string }[];
  /** A line on what is being done. */
  progress(text: string): void;
}

/** A target that holds on this driver, and how it stands. */
export interface Check {
  row: string;
  wanted: string;
  got: string;
  state: 'met' | 'missed' | 'unmeasured';
}

/** A measurement as a point in the roofline plot. */
export interface Point {
  /** Who: pixtape or a peer. */
  who: string;
  /** What: a shape or an operation. */
  what: string;
  mode: 'forward' | 'forward + gradients' | 'memory';
  /** Operations for each byte that has to move. */
  intensity: number;
  gflops: number;
}

export interface SectionResult {
  /** For the JSON file. */
  data: unknown;
  tables: Table[];
  checks: Check[];
  points: Point[];
}

/** How `got` stands against the least that is wanted; undefined where nothing was measured. */
export function atLeast(row: string, wanted: number, got: number | undefined, unit: string): Check {
  return stands(row, `at least ${wanted}${unit}`, got, unit, (value) => value >= wanted);
}

/** As `atLeast`, for the most that is allowed. */
export function atMost(row: string, wanted: number, got: number | undefined, unit: string): Check {
  return stands(row, `at most ${wanted}${unit}`, got, unit, (value) => value <= wanted);
}

function stands(
  row: string,
  wanted: string,
  got: number | undefined,
  unit: string,
  holds: (value: number) => boolean,
): Check {
  if (got === undefined) return { row, wanted, got: 'not measured', state: 'unmeasured' };
  return { row, wanted, got: `${got.toFixed(unit === ' %' ? 0 : 2)}${unit}`, state: holds(got) ? 'met' : 'missed' };
}

/** GFLOP/s, or GB/s, of an amount done once in the median time. */
export const rate = (amount: number, { median }: Timing): number => amount / median / 1e6;
