import type { BuildOptions, Loader, Plugin } from 'esbuild';

export const root: string;
export const asText: Record<string, Loader>;
export const rawText: Plugin;
export const nodeProgram: BuildOptions;
export const pureConstants: Plugin;
