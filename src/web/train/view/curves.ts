import { element } from '../../page/dom.ts';
import type { Point } from '../types.ts';
import { LineChart } from './chart.ts';
import { Series, smooth } from './series.ts';

/** Both charts: the error of the pictures, and the losses of the two networks. */
export class Curves {
  private readonly error = new LineChart(element('chart-error'), [
    { label: 'each step', colour: 'accent', faint: true },
    { label: 'smoothed', colour: 'accent' },
    { label: 'held out', colour: 'second', points: true },
  ]);
  private readonly duel = new LineChart(element('chart-duel'), [
    { label: 'PatchGAN', colour: 'third' },
    { label: 'generator', colour: 'accent' },
  ]);
  private series = new Series(3);
  private heldOut: { step: number; error: number }[] = [];

  add(points: readonly Point[]): void {
    for (const { step, l1, disc, adv } of points) this.series.add(step, [l1, disc, adv]);
    this.draw();
  }

  addHeldOut(step: number, error: number): void {
    this.heldOut.push({ step, error });
    this.draw();
  }

  /** Goes back to the step from which training continues. */
  cut(step: number): void {
    this.series.cut(step);
    this.heldOut = this.heldOut.filter((point) => point.step <= step);
    this.draw();
  }

  clear(): void {
    this.series = new Series(3);
    this.heldOut = [];
    this.draw();
  }

  private draw(): void {
    const { steps } = this.series;
    const [l1, disc, adv] = [0, 1, 2].map((i) => this.series.column(i));
    // Held-out points lie between the curve's points: each is drawn at the next one.
    const held = steps.map((): number | null => null);
    for (const { step, error } of this.heldOut) {
      const at = steps.findIndex((s) => s >= step);
      held[at < 0 ? held.length - 1 : at] = error;
    }
    this.error.set(steps, [[...(l1 ?? [])], smooth(l1 ?? []), held]);
    this.duel.set(steps, [smooth(disc ?? []), smooth(adv ?? [])]);
    const last = (column: readonly number[] = []) => column.at(-1)?.toFixed(3);
    const at = `at step ${steps.at(-1)?.toLocaleString('en')}`;
    const none = steps.length === 0;
    element('chart-error').ariaLabel =
      `Mean difference from the real pictures: ${none ? 'nothing yet' : `${last(l1)} ${at}`}`;
    element('chart-duel').ariaLabel =
      `Adversarial losses: ${none ? 'nothing yet' : `PatchGAN ${last(disc)}, generator ${last(adv)} ${at}`}`;
  }
}
