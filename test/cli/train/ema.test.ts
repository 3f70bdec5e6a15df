import { expect, it } from 'vitest';
import { continuedConfig, freshConfig } from '../../../src/cli/train/config.ts';
import { checkConfig } from '../../../src/pix2pix/train/checkpoint/state.ts';

it('weights are averaged by default in quick, but not in the tutorial’s and the paper’s presets', () => {
  expect(freshConfig({ preset: 'quick' }, {}).ema).toBe(0.998);
  expect(freshConfig({ preset: 'quick' }, { ema: 0 }).ema).toBe(0);
  for (const preset of ['tutorial', 'paper'] as const) {
    expect(freshConfig({ preset }, {}).ema).toBe(0);
    expect(freshConfig({ preset }, { ema: 0.9 }).ema).toBe(0.9);
  }
});

it('a continued run averages as it did before', () => {
  const saved = freshConfig({ preset: 'quick' }, {});
  expect(continuedConfig(saved, {}).ema).toBe(0.998);
  expect(() => continuedConfig(saved, { ema: 0 })).toThrow(/--ema 0: the run .* continues has 0\.998/);
});

it('checkpoints from before have no average, and damaged ones are refused', () => {
  const { ema: _, ...before } = freshConfig({ preset: 'quick' }, {});
  expect(checkConfig(before).ema).toBe(0);
  for (const ema of [1, -0.1, 'much']) expect(() => checkConfig({ ...before, ema })).toThrow(/config\.ema/);
});
