/** Node's test files, run in a page. The table compares bits by Buffer.compare, which pages lack. */
const compare = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((byte, i) => byte === b[i]) ? 0 : 1;
Object.assign(globalThis, { Buffer: { compare } });

const { tests } = await import('./vitest.ts');
await import('../../engine/ops/ops.test.ts');
await import('../../engine/ops-torch.test.ts');

export {};

Object.assign(globalThis, {
  pageTests: [...tests.keys()],
  runPageTest: (name: string) => tests.get(name)?.(),
});
