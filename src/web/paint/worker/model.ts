import type { Device } from '../../../engine/gpu/device.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { decodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { createGenerator, describeGenerator } from '../../../pix2pix/models/networks.ts';
import type { PictureGenerator } from '../../../pix2pix/models/registry/kind.ts';
import { decodeHeader, generatorOf, restoreGenerator } from '../../../pix2pix/train/checkpoint/state.ts';
import { Predictor } from '../../../pix2pix/train/steps/predictor.ts';
import { lossOf, openPageDevice } from '../../shared/device.ts';
import { toPlanes, toRgba } from '../../shared/pixels.ts';

export interface ModelInfo {
  name: string;
  /** The size that it was trained at, in pixels. */
  width: number;
  height: number;
  /** Kind and size in words. */
  network: string;
  parameters: number;
  step: number;
  adapter: string;
  /** How long an answer takes on this device once everything is compiled. */
  milliseconds: number;
}

interface Loaded {
  device: Device;
  generator: PictureGenerator;
  predictor: Predictor;
  milliseconds: number;
}

/**
 * The generator of a checkpoint, ready to run at its own size. Keeps the checkpoint's values, so that it can be
 * rebuilt on another device if this one is lost.
 */
export class Model {
  readonly info: ModelInfo;
  private readonly tensors: ReadonlyMap<string, NamedTensor>;
  private readonly config: ReturnType<typeof decodeHeader>['config'];
  private loaded: Loaded;

  private constructor(
    info: ModelInfo,
    tensors: ReadonlyMap<string, NamedTensor>,
    config: Model['config'],
    loaded: Loaded,
  ) {
    this.info = info;
    this.tensors = tensors;
    this.config = config;
    this.loaded = loaded;
  }

  /** @throws PixtapeError naming the file if it is not a checkpoint, or its channels cannot be shown */
  static async open(bytes: Uint8Array, name: string): Promise<Model> {
    const { metadata, tensors } = decodeSafetensors(bytes, name);
    const { config, step } = decodeHeader(metadata, name);
    const { inChannels, outChannels } = config.generator;
    if (![1, 3].includes(inChannels) || ![1, 3].includes(outChannels)) {
      throw new PixtapeError(`${name} paints from ${inChannels} channels to ${outChannels}; a page can show 1 or 3`);
    }
    const own = generatorOf(tensors);
    const loaded = await load(config, own, name);
    const { width, height } = config;
    const parameters = loaded.generator.parameterCount;
    const info = {
      name,
      width,
      height,
      network: describeGenerator(config),
      parameters,
      step,
      adapter: loaded.device.description,
      milliseconds: loaded.milliseconds,
    };
    return new Model(info, own, config, loaded);
  }

  /**
   * Translates a picture of the generator's own size, RGBA. The answer to a picture of another size is empty: it was drawn
   * for the network before this one.
   * @param onLost called with the reason if the device was lost and the answer comes from a new one
   */
  async paint(rgba: Uint8ClampedArray, onLost: (why: string) => void): Promise<Uint8ClampedArray<ArrayBuffer>> {
    const { width, height } = this.info;
    if (rgba.length !== 4 * width * height) return new Uint8ClampedArray();
    const condition = toPlanes(rgba, this.config.generator.inChannels);
    const paint = () => this.loaded.predictor.predict(condition, 1, height, width);
    const answer = await paint().catch(async (error: unknown) => {
      const why = await lossOf(this.loaded.device);
      if (why === undefined) throw error;
      onLost(why);
      this.loaded = await load(this.config, this.tensors, this.info.name);
      return paint();
    });
    return toRgba(answer, width * height);
  }

  destroy(): void {
    this.loaded.device.destroy();
  }
}

/**
 * Opens a device for this model alone, whose memory goes with it. Runs once, so that the first stroke does not wait, and
 * once more to see how long an answer takes.
 */
async function load(config: Model['config'], tensors: ReadonlyMap<string, NamedTensor>, name: string): Promise<Loaded> {
  const device = await openPageDevice();
  try {
    const generator = createGenerator(device, config, new Rng(device, config.seed));
    restoreGenerator(generator, tensors, name);
    const predictor = new Predictor(device, generator);
    const { width, height } = config;
    const blank = new Float32Array(config.generator.inChannels * width * height);
    await predictor.predict(blank, 1, height, width);
    const begun = performance.now();
    await predictor.predict(blank, 1, height, width);
    return { device, generator, predictor, milliseconds: performance.now() - begun };
  } catch (error) {
    device.destroy();
    throw error;
  }
}
