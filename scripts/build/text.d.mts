import type { Loader, Plugin } from 'esbuild';

export const root: string;
export const asText: Record<string, Loader>;
export const rawText: Plugin;
export const pureConstants: Plugin;
