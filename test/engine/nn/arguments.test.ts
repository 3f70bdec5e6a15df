import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import {
  Adam,
  AdamW,
  cosine,
  linearDecay,
  Plateau,
  RMSprop,
  record,
  SGD,
  scale,
  stepDecay,
  Tensor,
  warmup,
} from '../../../src/engine/index.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const any = (value: unknown) => value as never;
const leaf = () => {
  const x = Tensor.from(device, [2], [1, 2], 'x');
  x.requiresGrad = true;
  return x;
};

/** Calls with one slip each, and how it is named. */
const slips: [string, () => unknown, RegExp][] = [
  ['Adam, an option that nobody knows', () => new Adam(device, [leaf()], any({ weightdecay: 1 })), /^Adam: .*weightdecay\n.*weightDecay/],
  ['AdamW likewise', () => new AdamW(device, [leaf()], any({ beta: 1 })), /^AdamW: there is no option beta/],
  ['SGD likewise', () => new SGD(device, [leaf()], any({ lr: 1, momentun: 1 })), /^SGD: there is no option momentun/],
  ['RMSprop likewise', () => new RMSprop(device, [leaf()], any({ lr: 1, rho: 1 })), /^RMSprop: there is no option rho/],
  ['options that are a number', () => new Adam(device, [leaf()], any(0.1)), /^Adam: the options are 0\.1/],
  ['stepDecay by nothing', () => stepDecay(1, 0), /^stepDecay: size is 0; it must be a number above 0/],
  ['stepDecay of NaN', () => stepDecay(Number.NaN, 5), /^stepDecay: lr is NaN/],
  ['cosine over no steps', () => cosine(1, 0), /^cosine: steps is 0/],
  ['linearDecay of a word', () => linearDecay(1, 5, any('9')), /^linearDecay: decay is '9'/],
  ['warmup over less than nothing', () => warmup(1, -3), /^warmup: steps is -3/],
  ['warmup to null', () => warmup(any(null), 3), /^warmup: schedule is null; .* or a schedule/],
  ['Plateau, an option that nobody knows', () => new Plateau(1, any({ patiance: 3 })), /^Plateau: there is no option patiance/],
  ['Plateau that raises', () => new Plateau(1, { factor: 2 }), /^Plateau: factor is 2/],
  ['a shape that is a word', () => Tensor.zeros(device, any('3'), 'y'), /^y: the shape is "3"; it must be a list/],
  ['a shape that is a number', () => Tensor.zeros(device, any(3), 'y'), /^y: the shape is 3;/],
  ['no body', () => record(device, any(3)), /^record: the body is number/],
  ['record, an option that nobody knows', () => record(device, () => scale(leaf(), 2), any({ precison: 'f16' })), /^record: there is no option precison/],
  ['record, a precision that there is not', () => record(device, () => scale(leaf(), 2), any({ precision: 'f64' })), /^record: precision is "f64"/],
]; // biome-ignore format: a row each

test.each(slips)('%s is named at the call', async (_, call, message) => {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
  expect(error).toBeInstanceOf(PixtapeError);
  expect(error?.message).toMatch(message);
});

test('what is right passes', () => {
  expect(linearDecay(1, -1, 2)(1)).toBe(0.5);
  expect(stepDecay(1, 0.5)(1)).toBe(1);
  expect(warmup(cosine(1, 10), 2)(1)).toBe(0.5);
  expect(new Plateau(1, { factor: 0.5, patience: 0, threshold: 0, least: 0.1 }).observe(1)).toBe(1);
});
