import { Staging } from '../../gpu/memory/staging.ts';
import { currentProgram } from '../../tape/current.ts';
import { Tensor } from '../../tape/tensor.ts';
import { nextMeeting, type Ranks } from './ranks.ts';

/**
 * Records the gathering of these tensors' values, one after the other, from all ranks in order: (ranks, values). The
 * program waits here for all ranks. No gradient flows through it.
 * @param tensors float32 temporaries of the program
 */
export function gatherFromRanks(ranks: Ranks, tensors: readonly [Tensor, ...Tensor[]], label: string): Tensor {
  const [{ device }] = tensors;
  const program = currentProgram(device);
  const storages = tensors.map(({ storage }) => storage);
  const staging = new Staging(device, storages);
  const all = Tensor.zeros(device, [ranks.count, staging.floats], label);
  program.onDestroy(() => {
    staging.destroy();
    all.dispose();
  });
  const meeting = nextMeeting(program);
  program.cut(async () => {
    all.write(await ranks.gather(await staging.read(), meeting));
  }, storages);
  return all;
}
