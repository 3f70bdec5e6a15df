/**
 * Finds a WebGPU adapter for Node: a real GPU, else lavapipe, else SwiftShader from npm (on Windows: Direct3D's software
 * adapter). A browser brings its own adapter.
 */
import { PixtapeError } from '../engine/util/errors.ts';
import { type Advice, adviseFaster } from './advice.ts';
import { withoutNotices } from './dawn/notices.ts';
import { pollSeldom } from './dawn/polling.ts';
import { candidateLines, nameFits } from './describe.ts';
import { loadForGood } from './probe/loader.ts';
import { webgpuUrl } from './probe/probe.ts';
import { EXPERIMENTAL } from './probe/recipe.ts';
import { type Tried, tryCandidates } from './survey.ts';
import type { CandidateReport, DriverKind, Recipe } from './types.ts';

export type { Advice } from './advice.ts';
export { adviseFaster } from './advice.ts';
export type { AdapterReport, CandidateReport, DriverKind } from './types.ts';

export interface OpenedAdapter {
  adapter: GPUAdapter;
  gpu: GPU;
  kind: DriverKind;
  /** Adapter and driver, for people and for a run's record. */
  description: string;
  /** Set to false where the adapter's matrix unit was tried and is to be left alone. */
  matrices?: false;
  /** The candidates that were tried, in order; the last one is the adapter's. */
  candidates: CandidateReport[];
}

const kinds: readonly string[] = ['gpu', 'lavapipe', 'swiftshader', 'fallback'] satisfies DriverKind[];

/** What this process has opened. Kept on globalThis, because a bundle and a source file may both load this module. */
interface State {
  /** The environment before a driver was chosen; candidates are tried with it. */
  env: NodeJS.ProcessEnv;
  /** The choice and its result. Stays after closeAdapter, because a loaded driver stays loaded. */
  opened?: { choice: string; chosen: Tried & { recipe: Recipe }; candidates: CandidateReport[] };
  /** Dawn's instance. Must stay reachable while anything runs: pipeline creation crashes without it. */
  gpu?: GPU;
  /** The same with what Dawn holds back. */
  experimental?: GPU;
}
const holder = globalThis as { [key: symbol]: State | undefined };
const key = Symbol.for('pixtape.drivers');
function state(): State {
  holder[key] ??= { env: { ...process.env } };
  return holder[key];
}

/**
 * Opens an adapter, and defines WebGPU's globals (GPUBufferUsage, GPUMapMode, …). A process keeps the driver that it
 * opened first: later calls return a fresh adapter of the same driver.
 *
 * @param asked a DriverKind, part of an adapter's name, or 'auto', which PIXTAPE_ADAPTER overrides
 * @throws PixtapeError that lists why each candidate was passed over, and what to do
 */
export async function openAdapter(asked = 'auto'): Promise<OpenedAdapter> {
  const choice = resolveChoice(asked);
  const s = state();
  if (!s.opened) s.opened = await choose(choice, s.env);
  else if (s.opened.choice !== choice && !fitsChoice(choice, s.opened.chosen.report)) {
    throw new PixtapeError(
      `cannot change to adapter "${choice}": this process already runs on ${s.opened.chosen.report.description}`,
      'A process keeps the driver that it loaded first: start another one.',
    );
  }
  const { chosen, candidates } = s.opened;
  const { report, recipe } = chosen;
  s.gpu ??= await createInstance(recipe, report.kind);
  const { gpu } = s;
  const adapter = await (await withoutNotices())(() => gpu.requestAdapter(recipe.request));
  if (!adapter) {
    throw new PixtapeError(
      `${report.description} answered when it was tried, but gives this process no adapter`,
      'Look at `pixtape doctor`; another process may hold the device.',
    );
  }
  const matrices = report.withoutMatrices === undefined ? {} : { matrices: false as const };
  return { adapter, gpu, kind: report.kind, description: report.description, candidates, ...matrices };
}

/** Resolves a choice: PIXTAPE_ADAPTER overrides 'auto'. */
export function resolveChoice(asked: string): string {
  const choice = asked.trim() || 'auto';
  return choice === 'auto' ? process.env.PIXTAPE_ADAPTER?.trim() || 'auto' : choice;
}

/** The choice as part of an adapter's name; '' if it is a kind or 'auto'. */
function nameIn(choice: string): string {
  return kinds.includes(choice) || choice === 'auto' ? '' : choice;
}

/** Whether a working candidate fits `choice`. */
export function fitsChoice(choice: string, report: CandidateReport): boolean {
  if (choice === 'auto' || choice === report.kind) return true;
  return !kinds.includes(choice) && nameFits(choice, report.description);
}

async function choose(choice: string, env: NodeJS.ProcessEnv): Promise<NonNullable<State['opened']>> {
  const byKind = kinds.includes(choice);
  const chosenOne = ({ report }: Tried) => report.ok && fitsChoice(choice, report);
  const tried = await tryCandidates(env, (c) => !byKind || c.kind === choice, nameIn(choice), chosenOne);
  const candidates = tried.map((t) => t.report);
  const chosen = tried.find(chosenOne);
  if (chosen?.recipe) return { choice, chosen: { ...chosen, recipe: chosen.recipe }, candidates };
  throw noAdapter(choice, candidates);
}

function noAdapter(choice: string, candidates: readonly CandidateReport[]): PixtapeError {
  const usable = candidates.filter((c) => c.ok);
  const tried = candidates.length > 0 ? `; tried:\n${candidateLines(candidates)}` : ' on this system';
  if (usable.length > 0) {
    const names = ['auto', ...usable.map((c) => c.kind)].join(', ');
    return new PixtapeError(`no adapter fits "${choice}"${tried}`, `Choose one of ${names}, or part of a name above.`);
  }
  const advice = adviseFaster(candidates);
  const install = advice.command ? `Run \`${advice.command}\` for ${advice.text}.` : `What would help: ${advice.text}.`;
  if (choice === 'auto') return new PixtapeError(`no WebGPU adapter${tried}`, install);
  return new PixtapeError(
    `no adapter for "${choice}"${tried}`,
    choice === 'lavapipe' ? install : '`pixtape doctor` lists what there is; without --adapter the best one is taken.',
  );
}

async function createInstance(recipe: Recipe, kind: DriverKind): Promise<GPU> {
  // Set this before Dawn loads Vulkan: drivers read their environment when they are loaded.
  Object.assign(process.env, recipe.env);
  for (const library of [...recipe.libraries, ...recipe.loaders]) loadForGood(library);
  if (kind !== 'gpu') pollSeldom();
  const { create, globals } = (await import(webgpuUrl())) as typeof import('webgpu');
  const missing = Object.entries(globals).filter(([name]) => !(name in globalThis));
  Object.assign(globalThis, Object.fromEntries(missing));
  return create(recipe.flags);
}

/**
 * As `openAdapter`, with the features that Dawn holds back as experimental, untried: in an instance of its own, which lasts
 * as long as the process.
 */
export async function openExperimental(asked = 'auto'): Promise<OpenedAdapter> {
  const opened = await openAdapter(asked);
  const { recipe, report } = (state().opened as NonNullable<State['opened']>).chosen;
  state().experimental ??= await createInstance({ ...recipe, flags: [...recipe.flags, EXPERIMENTAL] }, report.kind);
  const gpu = state().experimental as GPU;
  const adapter = await (await withoutNotices())(() => gpu.requestAdapter(recipe.request));
  if (!adapter) throw new PixtapeError(`${report.description} gives no adapter with experimental features`);
  return { ...opened, adapter, gpu };
}

/**
 * Tries every candidate, for `doctor`. Loads no driver into this process.
 *
 * @param choice as for openAdapter; matters if there are several GPUs, of which only one is reported
 * @param onTrial called before each candidate is tried
 */
export async function surveyAdapters(
  choice = 'auto',
  onTrial?: (description: string) => void,
): Promise<CandidateReport[]> {
  const [every, never] = [() => true, () => false];
  const tried = await tryCandidates(state().env, every, nameIn(choice), never, onTrial);
  return tried.map((t) => t.report);
}

/** What would be faster than the adapter that this process found; undefined if the user chose one. */
export function adviseHere(): Advice | undefined {
  const { opened } = state();
  return opened?.choice === 'auto' ? adviseFaster(opened.candidates) : undefined;
}

/** Releases Dawn, so that the process can end by itself. Destroy the devices first. */
export function closeAdapter(): void {
  delete state().gpu;
}
