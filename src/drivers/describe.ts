import type { ProbeAnswer } from './probe/probe.ts';
import type { Candidate, CandidateReport, DriverKind } from './types.ts';

/** An adapter's name and driver on one line. Adapters that compute differently get different names. */
export function tidyName(kind: DriverKind, answer: ProbeAnswer): string {
  const device = answer.adapter?.device ?? '';
  const description = answer.description?.trim() ?? '';
  // Keep lavapipe's vector width: tuning and results differ between 256 and 512 bits.
  const bits = /(\d+)-bits/.exec(device)?.[1];
  if (kind === 'lavapipe') return `${description.replace(/\s+0\.0\.1$/, '')}${bits ? `, ${bits}-bit vectors` : ''}`;
  if (kind === 'swiftshader') return description;
  const parts = [answer.name ?? device, description].filter((part) => part !== '');
  const [name, driver] = parts;
  if (name === undefined)
    return [answer.adapter?.vendor, answer.adapter?.architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  return driver === undefined || driver === name ? name : `${name} (${driver})`;
}

/** Whether an adapter's description contains what a person typed; `GeForce RTX` and `geforce-rtx` match. */
export function nameFits(wanted: string, description: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, ' ')
      .trim();
  return plain(description).includes(plain(wanted));
}

/** Why a tried candidate gave no adapter. */
export function candidateReason(candidate: Candidate, answer: ProbeAnswer, deviceFiles: string | undefined): string {
  const said = answer.message ? `: ${answer.message}` : '';
  switch (answer.failure) {
    case 'no-loader':
      return 'no Vulkan loader (libvulkan.so.1) on this system';
    case 'no-adapter':
      if (candidate.kind === 'lavapipe') {
        return `Dawn refuses the driver of ${candidate.icd}${said || '; Mesa 22 and older lack what WebGPU needs'}`;
      }
      return deviceFiles ?? `no adapter${said}`;
    case 'timeout':
    case 'crash':
      return answer.message ?? 'the driver failed';
    default:
      return deviceFiles ?? `Dawn could not use it${said}`;
  }
}

/** One line per candidate, in aligned columns, for error messages. */
export function candidateLines(candidates: readonly CandidateReport[]): string {
  const width = Math.max(...candidates.map((c) => c.kind.length));
  return candidates
    .map((c) => `  ${c.kind.padEnd(width)}  ${c.ok ? c.description : (c.reason ?? 'passed over')}`)
    .join('\n');
}
