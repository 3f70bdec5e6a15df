import type { DriverKind } from '../src/drivers/index.ts';
import type { Device } from '../src/engine/gpu/device.ts';
import type { Rounds, Timing } from './measure.ts';
import type { Missing } from './peers/open.ts';
import type { Peer } from './peers/peer.ts';
import type { PyTorch } from './peers/pytorch.ts';
import type { Table } from './report/table.ts';
import type { Roofline } from './roofline/roofline.ts';

/** What a section of the bench receives. Peers are opened and the roofline is measured on first use. */
export interface Bench {
  device: Device;
  kind: DriverKind;
  rounds: Rounds;
  /** The environment before a driver was loaded, and the choice that opens the same adapter again. */
  environment: NodeJS.ProcessEnv;
  adapterChoice: string;
  /** Path of the program that runs a first step in its own process. */
  firstStep: string;
  /** Skip what takes minutes. */
  quick: boolean;
  /** Only rows whose name contains this. */
  rows: string;
  roofline(): Promise<Roofline>;
  /** The engines to compare with, PyTorch among them, and those that are missing. */
  peers(): Promise<{ peers: Peer[]; missing: Missing[] }>;
  pytorch(): Promise<PyTorch | Missing>;
  /** The peers opened so far. */
  opened: readonly { name: string; version: string }[];
  /** Reports what runs now, one line. */
  progress(text: string): void;
}

/** A target for this driver, and whether it is met. */
export interface Check {
  row: string;
  wanted: string;
  got: string;
  state: 'met' | 'missed' | 'unmeasured';
}

/** A measurement as a point in the roofline plot. */
export interface Point {
  /** pixtape or a peer. */
  who: string;
  /** A shape or an operation. */
  what: string;
  mode: 'forward' | 'forward + gradients' | 'memory';
  /** Operations per byte that has to move. */
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

/** Judges `got` against a lower limit; pass undefined if it was not measured. */
export function atLeast(row: string, wanted: number, got: number | undefined, unit: string): Check {
  return stands(row, `at least ${wanted}${unit}`, got, unit, (value) => value >= wanted);
}

/** Like `atLeast`, for an upper limit. */
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

/** GFLOP/s or GB/s, from the operations or bytes of one run. */
export const rate = (amount: number, { median }: Timing): number => amount / median / 1e6;
