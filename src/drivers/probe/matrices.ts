import { MATRIX_FEATURE, matrixTrial, matrixUnits } from '../../engine/gpu/shader/matrix_unit.ts';
import type { Recipe } from '../types.ts';
import type { ProbeAnswer } from './probe.ts';
import { wordsOf } from './trial.ts';

/**
 * Dawn holds back what is experimental, matrix units among it. They are tried in a process of their own (Mesa 26.2's lavapipe
 * crashes with them on vectors of 512 bits) and taken where a product comes out right.
 */

/** What to try after `answer`: the same adapter with its matrix unit. Undefined where it has none that kernels could use. */
export function askingForMatrices(
  recipe: Recipe,
  { failure, fallback, loader, matrices }: ProbeAnswer,
): Recipe | undefined {
  if (failure || fallback || !matrices) return undefined;
  const [unit] = matrixUnits(matrices.info, new Set(matrices.features));
  if (!unit) return undefined;
  const { code, expected, features } = matrixTrial(unit);
  const trial = { feature: MATRIX_FEATURE, beside: features, code, groups: 1, input: [], expected: wordsOf(expected) };
  return { ...recipe, loaders: loader === undefined ? [] : [loader], flags: matrices.flags, trial };
}

/** The answer to go by of the one without matrices and the one with them: the latter only where nothing is amiss. */
export function withMatrices(plain: ProbeAnswer, { failure, message, adapter, flags }: ProbeAnswer): ProbeAnswer {
  const refuse = (why: string): ProbeAnswer => ({ ...plain, withoutMatrices: why });
  if (failure) return refuse(message ?? failure);
  if (!adapter?.features.includes(MATRIX_FEATURE)) return refuse('Dawn does not give it');
  if (adapter.device !== plain.adapter?.device) return refuse(`Dawn gave ${adapter.device} instead`);
  return { ...plain, flags, adapter };
}
