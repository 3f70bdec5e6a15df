import { openAdapter } from '../../src/drivers/index.ts';
import type { Peer } from './peer.ts';

/** A peer that could not be had, and why. */
export interface Missing {
  name: string;
  reason: string;
}

/**
 * Opens what other WebGPU engines there are, in this process, each with a device of its own on the adapter that ours
 * runs on. They look for it in `navigator.gpu`, as in a browser.
 */
export async function openWebGpuPeers(): Promise<{ peers: Peer[]; missing: Missing[] }> {
  await exposeAdapter();
  const peers: Peer[] = [];
  const missing: Missing[] = [];
  const candidates: [string, () => Promise<Peer>][] = [
    // Imported here and not on top: both ask for navigator.gpu as they load.
    ['TF.js', async () => (await import('./tfjs.ts')).openTfjs()],
    ['jax-js', async () => (await import('./jax.ts')).openJax()],
  ];
  for (const [name, open] of candidates) {
    try {
      peers.push(await open());
    } catch (error) {
      missing.push({ name, reason: (error as Error).message });
    }
  }
  return { peers, missing };
}

/** `navigator.gpu` that gives a fresh adapter of our own driver, whatever it is asked for. */
async function exposeAdapter(): Promise<void> {
  const { gpu } = await openAdapter();
  const facade = {
    requestAdapter: async () => (await openAdapter()).adapter,
    getPreferredCanvasFormat: () => gpu.getPreferredCanvasFormat(),
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
  };
  const value = { userAgent: 'Node.js', gpu: facade };
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
}
