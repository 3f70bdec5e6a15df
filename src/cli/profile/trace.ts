import type { Profile } from '../../engine/gpu/profile.ts';

/**
 * A profile in the Trace Event Format, which chrome://tracing and ui.perfetto.dev open: a span for each dispatch.
 * Source: Google, "Trace Event Format", complete events; times are in microseconds.
 */
export function traceOf({ clock, dispatches }: Profile, adapter: string): string {
  const [pid, tid] = [1, 1];
  const named = (name: string, text: string) => ({ name, ph: 'M', pid, tid, args: { name: text } });
  const spans = dispatches.map(({ label, start, milliseconds, workgroups }, index) => ({
    name: label,
    cat: label.split(/[. ]/)[0],
    ph: 'X',
    ts: 1000 * start,
    dur: 1000 * milliseconds,
    pid,
    tid,
    args: { dispatch: index, workgroups },
  }));
  const clocks = { gpu: 'dispatches, by the GPU’s clock', host: 'dispatches, each waited for' };
  const traceEvents = [named('process_name', adapter), named('thread_name', clocks[clock]), ...spans];
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents })}\n`;
}
