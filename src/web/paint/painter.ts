import { makeWorker } from '../page/dom.ts';
import { connect } from '../shared/remote.ts';
import type { ModelInfo } from './worker/model.ts';
import type { PaintCalls } from './worker/worker.ts';

/** A worker with one network. */
export class Painter {
  private readonly worker = makeWorker('paint');
  private readonly calls = connect<PaintCalls>(this.worker);

  /** Loads another checkpoint. The one before stays if this one cannot be used. */
  load(file: Blob, name: string): Promise<ModelInfo> {
    return this.calls.load(file, name);
  }

  /** @param onLost called with the reason if the device was lost and the answer comes from a new one; made by `proxy` */
  async paint(rgba: Uint8ClampedArray, onLost: (why: string) => void): Promise<Uint8ClampedArray<ArrayBuffer>> {
    return (await this.calls.paint(rgba, onLost)).pixels;
  }

  /** Ends the worker, whatever it is doing. Calls that are under way never return. */
  close(): void {
    this.worker.terminate();
  }
}

/** A network that comes with the page. */
export interface Shipped {
  file: string;
  /** What the page calls it. */
  name: string;
}

/** Opens soon and answers at once everywhere, without a GPU too. */
export const SMALL: Shipped = { file: 'paint-64.safetensors', name: 'the small one that comes with this page' };
/** Paints four times as many pixels, for devices that do so within `ENOUGH_MS`. */
export const LARGE: Shipped = { file: 'paint-128.safetensors', name: 'the large one that comes with this page' };
/** A large answer may take this many milliseconds: longer ones lag behind the hand. */
export const ENOUGH_MS = 150;

/** @throws Error that says what the server answers, if it is not the file */
export async function fetchShipped({ file }: Shipped): Promise<Blob> {
  const response = await fetch(file);
  if (!response.ok) throw new Error(`${file}: the server answers ${response.status}`);
  return response.blob();
}
