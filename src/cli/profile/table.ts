import type { Profile } from '../../engine/gpu/profile.ts';

interface Group {
  label: string;
  milliseconds: number;
  dispatches: number;
  workgroups: number;
}

/** A line for each kernel, the most costly first, and the sum. */
export function profileTable({ dispatches }: Profile): string {
  const groups = new Map<string, Group>();
  for (const { label, milliseconds, workgroups } of dispatches) {
    const group = groups.get(label) ?? { label, milliseconds: 0, dispatches: 0, workgroups: 0 };
    groups.set(label, group);
    group.milliseconds += milliseconds;
    group.dispatches++;
    group.workgroups += workgroups;
  }
  const sorted = [...groups.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  const sum = (key: 'milliseconds' | 'dispatches' | 'workgroups') => sorted.reduce((n, group) => n + group[key], 0);
  const total = sum('milliseconds');
  const all = { label: 'all', milliseconds: total, dispatches: sum('dispatches'), workgroups: sum('workgroups') };
  const rows = [...sorted, all].map((group) => [
    group.label,
    group.milliseconds.toFixed(3),
    `${(total > 0 ? (100 * group.milliseconds) / total : 0).toFixed(1)} %`,
    String(group.dispatches),
    ((1000 * group.milliseconds) / group.dispatches).toFixed(1),
    String(group.workgroups),
  ]);
  const head = ['kernel', 'ms', 'share', 'dispatches', 'µs each', 'workgroups'];
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  return [head, ...rows]
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}
