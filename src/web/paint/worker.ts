/** The worker behind the Paint view: holds one model and paints with it. */
import { emit, giving, serve } from '../shared/remote.ts';
import { Model, type ModelInfo } from './model.ts';

export type PaintEvent = { lost: string };
export type PaintCalls = typeof calls;

let model: Model | undefined;

const calls = {
  /** Takes another checkpoint; the one before stays if this one is no good. */
  async load(file: Blob, name: string): Promise<ModelInfo> {
    const next = await Model.open(new Uint8Array(await file.arrayBuffer()), name);
    model?.destroy();
    model = next;
    return next.info;
  },

  async paint(rgba: Uint8ClampedArray) {
    if (!model) throw new Error('no model has been loaded');
    const begun = performance.now();
    const pixels = await model.paint(rgba, (lost) => emit({ lost } satisfies PaintEvent));
    return giving({ pixels, milliseconds: performance.now() - begun }, pixels.buffer);
  },
};

serve(calls, { inTurn: true });
