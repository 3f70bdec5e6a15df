import { formatBytes } from '../../engine/util/format.ts';
import type { Ranks } from '../run/ranks.ts';

/** What meetings have cost a rank so far. */
export function costOf({ group }: Ranks): Cost {
  const { meetings, bytes, seconds, adding } = group.traffic;
  return { meetings, bytes, seconds, adding, ...group.times };
}

export type Cost = Record<'meetings' | 'bytes' | 'seconds' | 'adding' | 'copying' | 'span' | 'exposed', number>;

/**
 * Where the time of ranks that meet goes, as one line each, of what some steps of one rank have cost.
 * @param step seconds of a step
 */
export function costTable(before: Cost, after: Cost, steps: number, step: number): string {
  const each = (key: keyof Cost) => (after[key] - before[key]) / steps;
  const ms = (seconds: number) => `${(1000 * seconds).toFixed(2).padStart(9)} ms`;
  const hidden = each('span') > 0 ? (100 * (1 - each('exposed') / each('span'))).toFixed(0) : '0';
  const rest = Math.max(0, each('seconds') - each('adding'));
  return [
    `a step                      ${ms(step)}`,
    `copies by the host          ${ms(each('copying'))}  from what the device has mapped, and to what it writes`,
    `waiting and the network     ${ms(rest)}  ${each('meetings').toFixed(0)} meetings, ${formatBytes(each('bytes'))} sent; some at the same time`,
    `adding up                   ${ms(each('adding'))}`,
    `gradients and losses away   ${ms(each('span'))}  from the first on the host until the last is back`,
    `  of these not hidden       ${ms(each('exposed'))}  the device waits for them; ${hidden} % are hidden`,
  ].join('\n');
}
