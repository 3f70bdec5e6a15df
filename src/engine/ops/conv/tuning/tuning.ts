import type { Device } from '../../../gpu/device.ts';
import { originalOf } from '../../../gpu/dry_run.ts';
import { PixtapeError } from '../../../util/errors.ts';
import type { ConvChoice, ConvDirection } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { convKey } from './key.ts';
import { type ConvRequest, METHOD_NAMES, parseRequest } from './registry.ts';

/** A convolution that was recorded, in one direction. */
export interface RecordedConv {
  direction: ConvDirection;
  g: ConvGeometry;
  /** The name of the choice that computes it: an algorithm and its config. */
  choice: string;
  /** How many times it was recorded. */
  uses: number;
}

/** Chooses the kernels of a device's convolutions, and lists the convolutions of all programs recorded so far. */
export class ConvTuning {
  private asked = 'auto';
  private request: ConvRequest | undefined;
  private given: ReadonlyMap<string, string> | undefined;
  private requests: ReadonlyMap<string, ConvRequest> = new Map();
  private readonly noted = new Map<string, RecordedConv>();

  /**
   * The algorithm of convolutions that support it: `gemm`, `tile`, `tile 2x4x32` …. `direct` is the slow reference,
   * which supports everything. By default (`auto`) the table decides, or else the kind of device.
   * @throws PixtapeError on setting it to an unknown algorithm
   */
  get algorithm(): string {
    return this.asked;
  }

  set algorithm(name: string) {
    this.request = name === 'auto' ? undefined : parseRequest(name);
    if (name !== 'auto' && !this.request) {
      throw new PixtapeError(
        `there is no convolution algorithm named ${JSON.stringify(name)}`,
        `Take auto, or one of ${METHOD_NAMES.join(', ')}.`,
      );
    }
    this.asked = name;
  }

  /**
   * Names of choices by `convKey`, as measured on this device. The kind of device decides for missing convolutions, and
   * for names that this version does not know or this device does not support.
   */
  get table(): ReadonlyMap<string, string> | undefined {
    return this.given;
  }

  set table(table: ReadonlyMap<string, string> | undefined) {
    this.given = table;
    const parsed = [...(table ?? [])].map(([key, name]) => [key, parseRequest(name)] as const);
    this.requests = new Map(parsed.filter((entry): entry is [string, ConvRequest] => entry[1] !== undefined));
  }

  /** The convolutions that were recorded, by `convKey`. */
  get taken(): ReadonlyMap<string, RecordedConv> {
    return this.noted;
  }

  /** The request for this convolution; undefined to take the default of the kind of device. */
  requestFor(direction: ConvDirection, g: ConvGeometry): ConvRequest | undefined {
    return this.request ?? this.requests.get(convKey(direction, g));
  }

  note(direction: ConvDirection, g: ConvGeometry, { name }: ConvChoice): void {
    const key = convKey(direction, g);
    this.noted.set(key, { direction, g, choice: name, uses: (this.noted.get(key)?.uses ?? 0) + 1 });
  }
}

const tunings = new WeakMap<Device, ConvTuning>();

/** The tuning of a device. A dry run starts with that of the device that it imitates. */
export function convTuning(device: Device): ConvTuning {
  let tuning = tunings.get(device);
  if (!tuning) {
    tuning = new ConvTuning();
    const original = originalOf(device);
    if (original) {
      tuning.algorithm = convTuning(original).algorithm;
      tuning.table = convTuning(original).table;
    }
    tunings.set(device, tuning);
  }
  return tuning;
}
