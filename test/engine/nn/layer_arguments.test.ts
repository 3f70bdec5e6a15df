import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import * as engine from '../../../src/engine/index.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

/** A layer with wrong arguments throws in its constructor, not at the first step. */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

type Layer = new (...args: unknown[]) => engine.Module;

/** Every layer with valid arguments, as its constructor takes them, and its options. */
const layers: Record<string, [given: () => unknown[], options?: Record<string, unknown>]> = {
  AvgPool2d: [() => [2, 2, 0]],
  BatchNorm2d: [() => [device, 4]],
  Conv2d: [
    () => [device, 4, 4, 3],
    { stride: 2, padding: [1, 0], dilation: 1, groups: 2, bias: false, seed: 1, slope: 0.2 },
  ],
  ConvTranspose2d: [
    () => [device, 4, 4, 3],
    { stride: 2, padding: 1, dilation: 1, groups: 2, bias: false, seed: 1, outputPadding: 1 },
  ],
  Dropout: [() => [0.5, new engine.Rng(device, 0)]],
  ELU: [() => [1]],
  Embedding: [() => [device, 4, 4], { seed: 1 }],
  Flatten: [() => []],
  GELU: [() => ['tanh']],
  GlobalAvgPool: [() => []],
  GroupNorm: [() => [device, 2, 4]],
  InstanceNorm2d: [() => [device, 4]],
  LayerNorm: [() => [device, [4, 4]]],
  LeakyReLU: [() => [0.2]],
  Linear: [() => [device, 4, 4], { bias: false, seed: 1 }],
  MaxPool2d: [() => [2, 2, 0]],
  ReLU: [() => []],
  Sequential: [() => [engine.relu]],
  SiLU: [() => []],
  Sigmoid: [() => []],
  Softplus: [() => []],
  Tanh: [() => []],
};
const make = (name: string, ...args: unknown[]) =>
  new ((engine as unknown as Record<string, Layer>)[name] as Layer)(...args);

test('every layer is in the table', () => {
  const isLayer = (value: unknown) => typeof value === 'function' && value.prototype instanceof engine.Module;
  expect(Object.keys(layers)).toEqual(
    Object.entries(engine)
      .flatMap(([name, value]) => (isLayer(value) ? [name] : []))
      .sort(),
  );
});

test.each(Object.entries(layers))(
  '%s takes what it has, and refuses any other option by name',
  (name, [given, has = {}]) => {
    expect(make(name, ...given())).toBeInstanceOf(engine.Module);
    if (Object.keys(has).length > 0) make(name, ...given(), has);
    for (const option of ['inplace', 'paddingMode', 'eps', 'strides']) {
      const wrong = () => make(name, ...given(), { ...has, [option]: 1 });
      if (name === 'Sequential') expect(wrong).toThrow(/^Sequential: layer 1 is neither a module/);
      else {
        expect(wrong).toThrow(PixtapeError);
        const known = Object.keys(has).length > 0 ? 'It takes .*seed' : 'It takes none';
        expect(wrong).toThrow(new RegExp(`^${name}: there is no option ${option}\\n.*${known}`));
      }
    }
    // A known option with an invalid value.
    for (const option of Object.keys(has)) {
      expect(() => make(name, ...given(), { [option]: 'x' })).toThrow(
        new RegExp(`^${name}: ${option} is 'x'; it must be`),
      );
    }
  },
);

test.each([
  ['Conv2d', () => [4, 4, 3], /^Conv2d: device is 4; it must be a device/],
  ['Conv2d', () => [device, 4, 0, 3], /^Conv2d: cout is 0; it must be a whole number of at least 1/],
  ['Conv2d', () => [device, 4, 4, { kernel: 3 }], /^Conv2d: kernel is an object with kernel/],
  ['Conv2d', () => [device, 4, 4, 3, 1], /^Conv2d: the options are 1; expected an object/],
  ['InstanceNorm2d', () => [64], /^InstanceNorm2d: device is 64/],
  ['BatchNorm2d', () => [device, 4, 1e-5], /^BatchNorm2d: 3 arguments were given\n.*It takes device, channels/],
  ['BatchNorm2d', () => [device], /^BatchNorm2d: channels is undefined/],
  ['LayerNorm', () => [device, [4, 0]], /^LayerNorm: shape is \[4, 0\]/],
  ['Dropout', () => [1], /^Dropout: rate is 1; it must be a number from 0 to below 1/],
  ['Dropout', () => [0.5, 7], /^Dropout: rng is 7; it must be an Rng/],
  ['MaxPool2d', () => [2, { stride: 1 }], /^MaxPool2d: stride is an object with stride/],
  ['GELU', () => [true], /^GELU: approximate is true; it must be 'none' or 'tanh'/],
  ['Linear', () => [device, 4], /^Linear: outFeatures is undefined/],
] as const)('%s: what is wrong is named', (name, given, message) => {
  expect(() => make(name, ...given())).toThrow(message);
});
