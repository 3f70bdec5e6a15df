import type { Recipe } from '../types.ts';
import type { ProbeAnswer } from './probe.ts';
import { HALVES } from './trial.ts';

/**
 * Dawn disables `shader-f16` on NVIDIA's Vulkan drivers before 615.71, because some WebGPU conformance tests for halves
 * fail there (https://crbug.com/42251215). Our kernels only load and store halves. So we ask for the feature, try it,
 * and use it if the result is right. ONNX Runtime and llama.cpp ask for it too.
 */
const TOGGLES = 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia';

/** The recipe to try after `answer`: the same adapter with halves. Undefined if Dawn does not disable them. */
export function askingForHalves(recipe: Recipe, answer: ProbeAnswer): Recipe | undefined {
  const { adapter, failure, fallback, loader, flags } = answer;
  const kept = adapter?.vendor === 'nvidia' && !adapter.features.includes('shader-f16');
  if (failure || fallback || !kept || loader === undefined) return undefined;
  return { ...recipe, loaders: [loader], flags: [...flags, TOGGLES], trial: HALVES };
}

/** Chooses between the answers without and with halves: the latter only if nothing is wrong with it. */
export function withHalves(plain: ProbeAnswer, asked: ProbeAnswer): ProbeAnswer {
  const { failure, message, adapter, flags, matrices } = asked;
  const refuse = (why: string): ProbeAnswer => ({ ...plain, withoutHalves: why });
  if (failure) return refuse(message ?? failure);
  if (!adapter?.features.includes('shader-f16')) return refuse('Dawn does not give it');
  if (adapter.device !== plain.adapter?.device) return refuse(`Dawn gave ${adapter.device} instead`);
  return { ...plain, flags, adapter, ...(matrices && { matrices }) };
}
