import { InvalidArgumentError } from './commander.ts';

/** Returns a parser of whole numbers from `least` up. */
export function wholeNumber(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** As `wholeNumber`, or `inf` for no limit. */
export function wholeNumberOrNone(least: number) {
  const parse = wholeNumber(least);
  return (text: string): number => {
    if (/^\+?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
    return parse(text);
  };
}

/** Returns a parser of numbers between bounds, which are excluded unless `inclusive`. */
export function between(low: number, high: number, inclusive = false) {
  return (text: string): number => {
    const value = Number(text);
    const fits = inclusive ? value >= low && value <= high : value > low && value < high;
    if (text.trim() === '' || !fits) {
      const range = Number.isFinite(high) ? `between ${low} and ${high}` : `above ${low}`;
      throw new InvalidArgumentError(`Expected a number ${range}.`);
    }
    return value;
  };
}

/** Parses `0,4095`: the values that become 0 and 1. */
export function valueRange(text: string): { min: number; max: number } {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [min = Number.NaN, max = Number.NaN] = parts;
  if (parts.length !== 2 || !(min < max) || !Number.isFinite(max - min)) {
    throw new InvalidArgumentError('Expected two numbers like 0,4095, the smaller first.');
  }
  return { min, max };
}

/** Parses `256` or `320x256` (width × height). */
export function pictureSize(text: string): { width: number; height: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2] ?? match?.[1]);
  if (!match || width < 1 || height < 1)
    throw new InvalidArgumentError('Expected a side like 256, or WIDTHxHEIGHT like 320x256.');
  return { width, height };
}
