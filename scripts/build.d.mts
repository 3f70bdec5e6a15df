import type { Plugin } from 'esbuild';

export const shaderText: Plugin;
export const rawText: Plugin;
export function build(): Promise<void>;
