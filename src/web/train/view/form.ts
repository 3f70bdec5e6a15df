/** The fields that configure a run. */
import { PixtapeError } from '../../../engine/util/errors.ts';
import { element, input, select } from '../../page/dom.ts';
import type { RestoredInfo, Schedule, Settings } from '../types.ts';

const SOURCES = ['openmoji', 'own'] as const;
const SETTINGS = ['size', 'hidden', 'batch', 'direction'] as const;
const SCHEDULE = ['epochs', 'epochs-decay'] as const;

export function readSettings(): Settings {
  const number = (id: string) => Number(select(id).value);
  const direction = select('direction').value === 'AtoB' ? 'AtoB' : 'BtoA';
  return {
    size: number('size'),
    hidden: number('hidden'),
    batch: number('batch'),
    direction: input('openmoji').checked ? 'BtoA' : direction,
  };
}

/** @throws PixtapeError if it is not a number */
export function readSchedule(): Schedule {
  const [epochs = 0, epochsDecay = 0] = SCHEDULE.map((id) => input(id).valueAsNumber);
  if (epochs >= 0 && epochsDecay >= 0 && epochs + epochsDecay > 0) return { epochs, epochsDecay };
  throw new PixtapeError('Epochs are numbers from 0 on, and not both 0', 'Fractions will do: 0.5 is half an epoch.');
}

/** Fills the fields with the values of a checkpoint's run. */
export function showRun({ source, config, direction }: RestoredInfo): void {
  input(source === 'openmoji' ? 'openmoji' : 'own').checked = true;
  for (const [id, value] of [
    ['size', config.width],
    ['hidden', config.generator.hidden],
    ['batch', config.batch],
    ['direction', direction],
  ] as const) {
    choose(select(id), String(value));
  }
  input('epochs').valueAsNumber = config.epochs;
  input('epochs-decay').valueAsNumber = config.epochsDecay;
}

/** Enables fields: a run's settings before it begins, and its schedule whenever it is not running. */
export function allowChanges({ fresh, still }: { fresh: boolean; still: boolean }): void {
  for (const id of SOURCES) input(id).disabled = !fresh;
  for (const id of SETTINGS) select(id).disabled = !fresh;
  for (const id of SCHEDULE) input(id).disabled = !still;
  element('direction-row').hidden = input('openmoji').checked;
}

/** Selects a value, and adds it to the list if need be: a checkpoint may have any. */
function choose(list: HTMLSelectElement, value: string): void {
  if (![...list.options].some((option) => option.value === value)) list.add(new Option(value, value));
  list.value = value;
}
