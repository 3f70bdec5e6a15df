import { Device } from '../gpu/device.ts';
import { aNumber, checkArguments, checkOptions, optional, type Rule } from '../ops/arguments.ts';
import { PixtapeError } from '../util/errors.ts';

/** The device that a layer is made on. */
export const aDevice: Rule = { wanted: 'a device', fits: (value) => value instanceof Device };

/** The seed of a layer that draws its initial values. */
export const aSeed = optional(aNumber({ finite: true }));

/** The arguments of a layer's constructor: each value by its name, with its rule. */
type Given = Readonly<Record<string, readonly [value: unknown, rule: Rule]>>;

/**
 * Checks a layer's arguments before anything is made.
 * @param more the remaining arguments: none, or one object of options
 * @param options the rules of the options, by name; by default there are none
 * @throws PixtapeError that names the layer and the argument or option
 */
export function checkLayer(
  layer: string,
  given: Given,
  more: readonly unknown[],
  options: Readonly<Record<string, Rule>> = {},
): void {
  const each = Object.entries(given);
  const rules = Object.fromEntries(each.map(([name, [, rule]]) => [name, rule]));
  checkArguments(layer, rules, Object.fromEntries(each.map(([name, [value]]) => [name, value])));
  const [first, ...rest] = more.filter((value) => value !== undefined);
  if (rest.length > 0 || (first !== undefined && typeof first !== 'object' && Object.keys(options).length === 0)) {
    const names = [...each.map(([name]) => name), ...(Object.keys(options).length > 0 ? ['options'] : [])];
    throw new PixtapeError(
      `${layer}: ${each.length + more.length} arguments were given`,
      names.length > 0 ? `It takes ${names.join(', ')}.` : 'It takes none.',
    );
  }
  if (first !== undefined) checkOptions(layer, options, first);
}
