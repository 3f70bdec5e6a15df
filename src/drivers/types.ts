import type { MatrixInfo } from '../engine/gpu/shader/matrix_unit.ts';
import type { Trial } from './probe/trial.ts';

/**
 * Kind of driver. `lavapipe` (Mesa) and `swiftshader` compute on the CPU; `fallback` is the system's own software
 * adapter.
 */
export type DriverKind = 'gpu' | 'lavapipe' | 'swiftshader' | 'fallback';

/** What a candidate's adapter reports about itself. */
export interface AdapterReport {
  /** GPUAdapterInfo, as text. */
  vendor: string;
  architecture: string;
  device: string;
  /** Smallest and largest subgroup, in invocations; 0 if the driver does not say. */
  subgroupMinSize: number;
  subgroupMaxSize: number;
  features: string[];
  /** GPUSupportedLimits by name. Sizes are in bytes. */
  limits: Record<string, number>;
}

/** A candidate for a WebGPU adapter, and the outcome of trying it. */
export interface CandidateReport {
  kind: DriverKind;
  ok: boolean;
  /** The adapter and its driver, for people; if there is none, what was looked for. */
  description: string;
  /** Why it was passed over. Set if `ok` is false. */
  reason?: string;
  /** The Vulkan driver description (ICD) file that was asked for. */
  icd?: string;
  adapter?: AdapterReport;
  /** Why halves (`shader-f16`) are not used although the GPU has them. */
  withoutHalves?: string;
  /** Why the GPU's matrix unit is not used though it has one. */
  withoutMatrices?: string;
}

/** An adapter with what Dawn holds back as experimental: the flags that lead to it, and what it says of its matrices. */
export interface FoundMatrices {
  flags: string[];
  features: string[];
  info: MatrixInfo;
}

/** How to reach a candidate's adapter from a process that has not loaded a driver yet. */
export interface Recipe {
  /** Environment that the driver reads when it is loaded. */
  env: Record<string, string>;
  /** Paths of libraries to load first, in this order. */
  libraries: string[];
  /** Vulkan loaders (`libvulkan.so.1`) to try in this order, as names or paths; empty if Vulkan is not used. */
  loaders: string[];
  /** Options for Dawn's `create`. */
  flags: string[];
  request: GPURequestAdapterOptions;
  /** What the adapter must compute right before it is used. */
  trial: Trial;
}

export interface Candidate {
  kind: DriverKind;
  description: string;
  icd?: string;
  /** Makes the files that this candidate needs. @throws PixtapeError that says what is missing */
  prepare(): Promise<Recipe>;
}
