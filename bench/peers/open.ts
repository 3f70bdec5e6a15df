import { openAdapter } from '../../src/drivers/index.ts';
import type { Peer } from './peer.ts';

/** A peer that is missing, and why. */
export interface Missing {
  name: string;
  reason: string;
}

/**
 * Opens the other WebGPU engines in this process, each with its own device on the adapter that ours runs on. They find it
 * through `navigator.gpu`, as in a browser.
 */
export async function openWebGpuPeers(): Promise<{ peers: Peer[]; missing: Missing[] }> {
  await exposeAdapter();
  const peers: Peer[] = [];
  const missing: Missing[] = [];
  const candidates: [string, () => Promise<Peer>][] = [
    // Imported here and not at the top: both use navigator.gpu while they load.
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

/** A `navigator.gpu` that always returns a fresh adapter of our driver. */
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
