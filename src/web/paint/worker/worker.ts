/** The worker behind the Paint view: holds one model and runs it. */
import { expose, transfer } from '../../shared/remote.ts';
import { Model, type ModelInfo } from './model.ts';

export type PaintCalls = typeof calls;

let model: Model | undefined;
let turn: Promise<unknown> = Promise.resolve();

/** Finishes one call before the next begins. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}

const calls = {
  /** Loads another checkpoint. The one before stays if this one cannot be used. */
  load: (file: Blob, name: string): Promise<ModelInfo> =>
    inTurn(async () => {
      const next = await Model.open(new Uint8Array(await file.arrayBuffer()), name);
      model?.destroy();
      model = next;
      return next.info;
    }),

  /** @param onLost called with the reason if the device was lost and the answer comes from a new one */
  paint: (rgba: Uint8ClampedArray, onLost: (why: string) => void) =>
    inTurn(async () => {
      if (!model) throw new Error('no model has been loaded');
      const pixels = await model.paint(rgba, onLost);
      return transfer({ pixels }, [pixels.buffer]);
    }),
};

expose(calls);
