import type { Trial } from './probe/trial.ts';

/** A GPU driver; `lavapipe` (Mesa) and `swiftshader` compute on the CPU, `fallback` is the system's own software adapter. */
export type DriverKind = 'gpu' | 'lavapipe' | 'swiftshader' | 'fallback';

/** What a candidate's adapter told about itself. */
export interface AdapterReport {
  /** GPUAdapterInfo, as text. */
  vendor: string;
  architecture: string;
  device: string;
  /** Invocations in a subgroup, smallest and largest; 0 where the driver does not say. */
  subgroupMinSize: number;
  subgroupMaxSize: number;
  features: string[];
  /** GPUSupportedLimits by name. Sizes are in bytes. */
  limits: Record<string, number>;
}

/** One way to a WebGPU adapter, and what became of it. */
export interface CandidateReport {
  kind: DriverKind;
  ok: boolean;
  /** The adapter and its driver, for people; a few words on what was looked for when there is none. */
  description: string;
  /** Why it was passed over. Set when `ok` is false. */
  reason?: string;
  /** The Vulkan driver description (ICD) file that was asked for. */
  icd?: string;
  adapter?: AdapterReport;
  /** Why halves (`shader-f16`) are not used though the GPU has them. */
  withoutHalves?: string;
}

/** What it takes to reach a candidate's adapter from a process that has not loaded a driver yet. */
export interface Recipe {
  /** Environment that the driver reads when it is loaded. */
  env: Record<string, string>;
  /** Libraries to load by their paths before all else, in this order. */
  libraries: string[];
  /** Vulkan loaders (`libvulkan.so.1`) to try in this order, names or paths; empty where Vulkan is not used. */
  loaders: string[];
  /** Options for Dawn's `create`. */
  flags: string[];
  request: GPURequestAdapterOptions;
  /** What the adapter has to compute right before it is taken. */
  trial: Trial;
}

export interface Candidate {
  kind: DriverKind;
  description: string;
  icd?: string;
  /** Steps and files that this candidate needs; throws a PixtapeError that says what is missing. */
  prepare(): Promise<Recipe>;
}
