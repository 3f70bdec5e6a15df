import { delimiter } from 'node:path';
import { listCandidates } from './candidates.ts';
import { candidateReason, tidyName } from './describe.ts';
import { gpuFiles, whyNoGpu } from './gpu_files.ts';
import { askingForHalves, withHalves } from './probe/halves.ts';
import { findIcds, isLavapipe } from './probe/icd.ts';
import { askingForMatrices, withMatrices } from './probe/matrices.ts';
import { type ProbeAnswer, probe } from './probe/probe.ts';
import { swiftShaderUnsupported, unpackSwiftShader } from './probe/swiftshader.ts';
import type { Candidate, CandidateReport, Recipe } from './types.ts';

/** A candidate that was tried, with the recipe to open it again in this process. */
export interface Tried {
  report: CandidateReport;
  /** Set if the report is ok. `loaders` then holds the one that was found, `flags` those that led to the adapter. */
  recipe?: Recipe;
}

/**
 * Tries the candidates in order, each in its own process.
 *
 * @param wanted which candidates to try
 * @param name part of the wanted adapter's name, or ''
 * @param done whether to stop after this candidate
 * @param onTrial called before each candidate is tried
 */
export async function tryCandidates(
  env: NodeJS.ProcessEnv,
  wanted: (candidate: Candidate) => boolean,
  name: string,
  done: (tried: Tried) => boolean,
  onTrial?: (description: string) => void,
): Promise<Tried[]> {
  const all: Tried[] = [];
  const candidates = listCandidates(env).filter(wanted);
  // Without a known device file still look for a GPU, since file names differ, but try the next candidate meanwhile.
  const hopeless = process.platform === 'linux' && gpuFiles().length === 0;
  let early: Promise<Tried> | undefined;
  for (const [i, candidate] of candidates.entries()) {
    onTrial?.(candidate.description);
    const trial = early ?? tryCandidate(candidate, env, name);
    const next = candidates[i + 1];
    early = candidate.kind === 'gpu' && hopeless && next ? tryCandidate(next, env, name) : undefined;
    const tried = await trial;
    all.push(tried);
    if (done(tried)) break;
  }
  return all;
}

async function tryCandidate(candidate: Candidate, env: NodeJS.ProcessEnv, name: string): Promise<Tried> {
  const { kind, icd } = candidate;
  const report = { kind, description: candidate.description, ...(icd ? { icd } : {}) };
  const refuse = (reason: string): Tried => ({ report: { ...report, ok: false, reason } });
  let recipe: Recipe;
  let answer: ProbeAnswer;
  try {
    recipe = await candidate.prepare();
    answer = await probe(recipe, kind === 'gpu', env, kind === 'gpu' ? name : '');
    if (answer.failure === 'no-loader' && !swiftShaderUnsupported()) {
      // A driver without a Vulkan loader, as in many containers: use the one in SwiftShader's archive.
      recipe = await withBundledLoader(recipe, candidate, env);
      answer = await probe(recipe, kind === 'gpu', env, kind === 'gpu' ? name : '');
    }
    const more = askingForHalves(recipe, answer);
    if (more) answer = withHalves(answer, await probe(more, true, env, ''));
    const matrices = askingForMatrices(recipe, answer);
    if (matrices) answer = withMatrices(answer, await probe(matrices, true, env, ''));
  } catch (error) {
    return refuse(error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ') : String(error));
  }
  if (answer.failure) return refuse(candidateReason(candidate, answer, kind === 'gpu' ? whyNoGpu() : undefined));
  const description = tidyName(kind, answer);
  if (kind === 'gpu' && answer.fallback) {
    const why = whyNoGpu();
    return refuse(`only a software adapter answers here${why ? `: ${why}` : ` (${description})`}`);
  }
  if (kind === 'fallback' && !answer.fallback) return refuse(`Dawn gave ${description} instead`);
  const found = { ...report, description, ...(recipe.env.VK_DRIVER_FILES ? { icd: recipe.env.VK_DRIVER_FILES } : {}) };
  const { adapter, withoutHalves, withoutMatrices } = answer;
  return {
    report: {
      ...found,
      ok: true,
      ...(adapter && { adapter }),
      ...(withoutHalves !== undefined && { withoutHalves }),
      ...(withoutMatrices !== undefined && { withoutMatrices }),
    },
    recipe: { ...recipe, flags: answer.flags, loaders: answer.loader ? [answer.loader] : [] },
  };
}

async function withBundledLoader(recipe: Recipe, candidate: Candidate, env: NodeJS.ProcessEnv): Promise<Recipe> {
  const { loader } = await unpackSwiftShader();
  // It was built for Chromium and does not search the system's folders, so name the drivers to it.
  const icds = findIcds(env).filter((icd) => !isLavapipe(icd));
  const drivers: Record<string, string> =
    candidate.kind === 'gpu' && icds.length > 0 ? { VK_DRIVER_FILES: icds.join(delimiter) } : {};
  return { ...recipe, env: { ...recipe.env, ...drivers }, loaders: [loader] };
}
