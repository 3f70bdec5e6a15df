import type { Recipe } from '../types.ts';
import type { ProbeAnswer } from './probe.ts';
import { HALVES } from './trial.ts';

/**
 * Dawn keeps `shader-f16` from NVIDIA's Vulkan drivers before 615.71, since some of WebGPU's conformance tests for halves
 * fail there (https://crbug.com/42251215). What our kernels do with them is to load and store them, so it is asked for,
 * tried, and taken where the result is right. ONNX Runtime and llama.cpp ask for it too.
 */
const TOGGLES = 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia';

/** What to try after `answer`: the same adapter with halves. Undefined where Dawn keeps nothing back. */
export function askingForHalves(recipe: Recipe, answer: ProbeAnswer): Recipe | undefined {
  const { adapter, failure, fallback, loader, flags } = answer;
  const kept = adapter?.vendor === 'nvidia' && !adapter.features.includes('shader-f16');
  if (failure || fallback || !kept || loader === undefined) return undefined;
  return { ...recipe, loaders: [loader], flags: [...flags, TOGGLES], trial: HALVES };
}

/** The answer to go by of the one without halves and the one with them: the latter only where nothing is amiss. */
export function withHalves(plain: ProbeAnswer, asked: ProbeAnswer): ProbeAnswer {
  const { failure, message, adapter, flags } = asked;
  const refuse = (why: string): ProbeAnswer => ({ ...plain, withoutHalves: why });
  if (failure) return refuse(message ?? failure);
  if (!adapter?.features.includes('shader-f16')) return refuse('Dawn does not give it');
  if (adapter.device !== plain.adapter?.device) return refuse(`Dawn gave ${adapter.device} instead`);
  return { ...plain, flags, adapter };
}
