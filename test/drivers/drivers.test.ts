import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { closeAdapter, openAdapter, surveyAdapters } from '../../src/drivers/index.ts';
import { loadForGood } from '../../src/drivers/probe/loader.ts';
import { unpackSwiftShader } from '../../src/drivers/probe/swiftshader.ts';
import { cacheDirectory } from '../../src/files/cache.ts';

const linuxX64 = process.platform === 'linux' && process.arch === 'x64';
const ONLY_LINUX = 'npm has SwiftShader for Linux on x64 only';
const folder = mkdtempSync(join(tmpdir(), 'pixtape-drivers-'));
afterAll(() => {
  closeAdapter();
  rmSync(folder, { recursive: true, force: true });
});

describe('the survey', () => {
  it('finds SwiftShader on Linux x64 with nothing but npm packages', async ({ skip }) => {
    skip(!linuxX64, ONLY_LINUX);
    const found = await surveyAdapters();
    expect(found.map((c) => c.kind)).toEqual(['gpu', 'lavapipe', 'swiftshader']);
    const swiftshader = found.at(-1);
    expect(swiftshader).toMatchObject({ ok: true, description: expect.stringMatching(/SwiftShader/) });
    expect(swiftshader?.adapter?.features).toContain('subgroups');
    expect(swiftshader?.adapter?.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
  });

  it('gives a reason for each rejected candidate, and an adapter for each that works', async () => {
    for (const c of await surveyAdapters()) {
      if (c.ok) expect(c.adapter?.limits.maxBufferSize).toBeGreaterThan(0);
      else expect(c.reason).toMatch(/\w{3}/);
    }
  });
});

describe('openAdapter', () => {
  it('refuses an unknown name, and lists the candidates', async () => {
    await expect(openAdapter('Voodoo 2')).rejects.toThrow(/no adapter fits "Voodoo 2"; tried:\n {2}gpu .+/);
  });

  it('opens an adapter on which a compute shader runs', async () => {
    const { adapter, gpu, kind, description, candidates } = await openAdapter();
    expect(gpu).toBeDefined();
    expect(candidates.at(-1)).toMatchObject({ kind, description, ok: true });
    const device = await adapter.requestDevice();
    expect(await squares(device, 100)).toEqual(Array.from({ length: 100 }, (_, i) => i * i));
    device.destroy();
  });

  it('gives a new adapter of the same driver when called again, and refuses another driver', async () => {
    const first = await openAdapter();
    const second = await openAdapter(first.kind);
    expect(second.description).toBe(first.description);
    expect(second.adapter).not.toBe(first.adapter);
    (await second.adapter.requestDevice()).destroy();
    await expect(openAdapter('Voodoo 2')).rejects.toThrow(/cannot change to adapter "Voodoo 2"/);
  });
});

async function squares(device: GPUDevice, n: number): Promise<number[]> {
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = id.x * id.x; }
    }`;
  const compute = { module: device.createShaderModule({ code }) };
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute });
  const size = n * 4;
  const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const result = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(n / 64));
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, result, 0, size);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(GPUMapMode.READ);
  return [...new Uint32Array(result.getMappedRange())];
}

describe('SwiftShader', () => {
  beforeEach(({ skip }) => skip(!linuxX64, ONLY_LINUX));
  it('is unpacked completely if several processes need it at once, and a damaged copy is replaced', async () => {
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    try {
      const all = await Promise.all([unpackSwiftShader(), unpackSwiftShader(), unpackSwiftShader()]);
      expect(new Set(all.map((s) => s.icd)).size).toBe(1);
      const loader = all[0]?.loader as string;
      rmSync(loader);
      await unpackSwiftShader();
      expect(existsSync(loader)).toBe(true);
      expect(readdirSync(join(folder, 'cache', 'pixtape'))).toHaveLength(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('brings a Vulkan loader that stays in the process once loaded, for systems without one', async () => {
    const { loader } = await unpackSwiftShader();
    loadForGood(loader);
    expect(readFileSync('/proc/self/maps', 'utf8')).toContain(loader);
    expect(() => loadForGood(join(folder, 'no-such-library.so'))).toThrow(/no-such-library/);
  });

  it('gives a hint if neither the cache folder nor a temporary one can be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['XDG_CACHE_HOME', 'TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, join(folder, 'file'));
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    try {
      await expect(unpackSwiftShader()).rejects.toThrow(/could not unpack SwiftShader into .*\n.*XDG_CACHE_HOME/);
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
  });
});

describe('doctor', () => {
  const run = async (...args: string[]) => {
    let text = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += chunk;
      return true;
    });
    try {
      await doctorCommand().parseAsync(args, { from: 'user' });
    } finally {
      write.mockRestore();
    }
    return text;
  };

  it('names every candidate, the chosen one, its limits and the way to something faster', async () => {
    const text = await run();
    for (const c of await surveyAdapters()) expect(text).toContain(c.ok ? c.description : c.reason);
    expect(text).toMatch(/chosen {2,}\S/);
    expect(text).toMatch(/largest storage binding {2,}\d/);
    expect(text).toMatch(/To get something faster\n {2}\S/);
  });

  it('says the same as JSON', async () => {
    const diagnosis = JSON.parse(await run('--json'));
    const opened = await openAdapter();
    expect(diagnosis.candidates.map((c: { kind: string }) => c.kind)).toContain(opened.kind);
    expect(diagnosis).toMatchObject({ node: process.version, cache: cacheDirectory() });
  });
});
