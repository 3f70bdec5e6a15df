import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { onPath, type System, thisSystem } from '../../src/drivers/advice.ts';
import { parseUris } from '../../src/drivers/lavapipe/apt.ts';
import { driverBuild, keepsShaders, lavapipeEnvironment } from '../../src/drivers/lavapipe/environment.ts';
import { fetchedFolder, findFetched, MANIFEST } from '../../src/drivers/lavapipe/fetched.ts';
import { librariesIn, loadOrder } from '../../src/drivers/lavapipe/libraries.ts';
import { type Situation, whyNot } from '../../src/drivers/lavapipe/set_up.ts';
import { systemIsServed } from '../../src/drivers/lavapipe/verdicts.ts';

const linux = process.platform === 'linux';
const folder = mkdtempSync(join(tmpdir(), 'pixtape-lavapipe-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Makes an ICD file and a library with these bytes and this date (seconds). */
function driver(name: string, bytes: number, date: number): string {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const library = join(place, 'libvulkan_lvp.so');
  writeFileSync(library, new Uint8Array(bytes));
  utimesSync(library, date, date);
  const icd = join(place, 'lvp_icd.json');
  writeFileSync(icd, JSON.stringify({ ICD: { library_path: './libvulkan_lvp.so' } }));
  return icd;
}

describe('the environment for lavapipe', () => {
  const icd = driver('system', 1000, 1_700_000_000);
  const width = (flags: string[], env = {}, of = icd) =>
    lavapipeEnvironment({ XDG_CACHE_HOME: join(folder, 'cache'), ...env }, new Set(flags), of);

  it('asks for 512 bits only if the CPU has them, and keeps one shader cache per width', () => {
    const wide = width(['avx', 'avx2', 'avx512f']);
    const plain = width(['avx', 'avx2']);
    expect(wide.LP_NATIVE_VECTOR_WIDTH).toBe('512');
    expect(plain).not.toHaveProperty('LP_NATIVE_VECTOR_WIDTH');
    const caches = [wide, plain, width([])].map((e) => e.MESA_SHADER_CACHE_DIR);
    expect(new Set(caches).size).toBe(3);
  });

  it('respects a width that the user has set', () => {
    const env = width(['avx512f'], { LP_NATIVE_VECTOR_WIDTH: '256' });
    expect(env).not.toHaveProperty('LP_NATIVE_VECTOR_WIDTH');
    expect(env.MESA_SHADER_CACHE_DIR).toContain('256');
  });

  it('keeps one shader cache per build of the driver, wherever it is', () => {
    const cache = (of: string) => width(['avx'], {}, of).MESA_SHADER_CACHE_DIR;
    const same = driver('fetched', 1000, 1_700_000_000);
    expect(cache(same)).toBe(cache(icd));
    const newer = driver('newer', 1000, 1_700_000_001);
    const larger = driver('larger', 1001, 1_700_000_000);
    expect(new Set([icd, newer, larger].map(cache)).size).toBe(3);
    expect(driverBuild(join(folder, 'none.json'))).toBe('');
  });

  it('keeps code that LLVM has not optimized in a cache of its own', () => {
    const cache = (perf: string | undefined) => width(['avx'], { GALLIVM_PERF: perf }).MESA_SHADER_CACHE_DIR;
    expect(cache('nopt')).toMatch(/nopt/);
    expect(new Set([undefined, 'nopt', 'nopt,no_quad_lod'].map(cache)).size).toBe(3);
  });

  it('knows when Mesa caches nothing', () => {
    expect(keepsShaders({})).toBe(true);
    expect(keepsShaders({ MESA_SHADER_CACHE_DISABLE: 'true' })).toBe(false);
  });
});

describe('apt’s output', () => {
  it('is parsed into names, versions and sizes; an epoch is percent-encoded', () => {
    const output = `Reading package lists...
'http://host/pool/main/m/mesa/mesa-vulkan-drivers_25.0.7-2%7ebpo12%2b1_amd64.deb' mesa-vulkan-drivers_25.0.7-2~bpo12+1_amd64.deb 11366132 SHA256:00
'http://host/pool/main/l/llvm/libllvm15_15.0.6-4+b1_amd64.deb' libllvm15_1%3a15.0.6-4+b1_amd64.deb 23115156 SHA256:01
'http://host/pool/main/libx/libx11-data_1.8.4-2_all.deb' libx11-data_2%3a1.8.4-2_all.deb 291884 SHA256:02
`;
    expect(parseUris(output)).toEqual([
      { name: 'mesa-vulkan-drivers', version: '25.0.7-2~bpo12+1', bytes: 11366132 },
      { name: 'libllvm15', version: '1:15.0.6-4+b1', bytes: 23115156 },
      { name: 'libx11-data', version: '2:1.8.4-2', bytes: 291884 },
    ]);
  });
});

describe('whether to fetch lavapipe', () => {
  const system: System = { ...thisSystem(), platform: 'linux', musl: false, has: () => true };
  const reason = (more: Partial<Situation>) => whyNot({ env: {}, system, adapter: undefined, ...more });

  it('is not asked on other systems, or if the user has declined or chosen', () => {
    expect(reason({})).toBeUndefined();
    expect(reason({ system: { ...system, platform: 'darwin' } })).toBe('');
    expect(reason({ system: { ...system, musl: true } })).toBe('');
    expect(reason({ env: { PIXTAPE_NO_DOWNLOAD: '1' } })).toBe('');
    expect(reason({ env: { PIXTAPE_NO_DOWNLOAD: '0' } })).toBeUndefined();
    expect(reason({ adapter: 'swiftshader' })).toBe('');
    expect(reason({ env: { PIXTAPE_ADAPTER: 'GeForce' } })).toBe('');
    expect(reason({ env: { PIXTAPE_ADAPTER: 'GeForce' }, adapter: 'lavapipe' })).toBeUndefined();
    expect(reason({ env: { VK_DRIVER_FILES: '/x.json' } })).toBe('');
  });

  it('needs apt, and says so', () => {
    const has = (name: string) => name !== 'dpkg-deb';
    expect(reason({ system: { ...system, has } })).toMatch(/no dpkg-deb/);
  });
});

describe('the system gets a driver', () => {
  beforeEach(({ skip }) => skip(!linux, 'lavapipe is fetched on Linux only'));
  it('that worked before, without another trial; never one that does not work', async () => {
    const cache = join(folder, 'verdicts');
    const icd = driver('broken', 10, 1_700_000_002);
    const env = { ...process.env, VK_DRIVER_FILES: icd };
    expect(await systemIsServed(env, cache)).toBe(false);
    mkdirSync(cache, { recursive: true });
    const list = join(cache, 'working-drivers.json');
    writeFileSync(list, '{ damaged');
    expect(await systemIsServed(env, cache)).toBe(false);
    writeFileSync(list, JSON.stringify([`lavapipe ${driverBuild(icd)}`]));
    expect(await systemIsServed(env, cache)).toBe(true);
  });
});

describe('a fetched lavapipe', () => {
  it('is found completely or not at all', () => {
    const cache = join(folder, 'fetched-cache');
    expect(findFetched(cache)).toBeUndefined();
    const place = fetchedFolder(cache);
    mkdirSync(place, { recursive: true });
    for (const name of ['a.so', 'libvulkan_lvp.so', 'lvp_icd.json']) writeFileSync(join(place, name), '');
    const manifest = { version: '25', icd: 'lvp_icd.json', libraries: ['a.so', 'libvulkan_lvp.so'] };
    writeFileSync(join(place, MANIFEST), JSON.stringify(manifest));
    expect(findFetched(cache)).toEqual({
      folder: place,
      version: '25',
      icd: join(place, 'lvp_icd.json'),
      libraries: [join(place, 'a.so'), join(place, 'libvulkan_lvp.so')],
    });
    rmSync(join(place, 'a.so'));
    expect(findFetched(cache)).toBeUndefined();
  });
});

describe('libraries that depend on one another', () => {
  beforeEach(({ skip }) => skip(!linux || !onPath('cc'), 'no C compiler for Linux here'));
  const built = join(folder, 'lib');
  mkdirSync(built);
  const compile = (name: string, needs: string[]) => {
    const source = join(built, `${name}.c`);
    const calls = needs.map((need) => `${need}()`).join(' + ') || '1';
    writeFileSync(
      source,
      `${needs.map((need) => `int ${need}(void);`).join('\n')}\nint ${name}(void) { return ${calls}; }\n`,
    );
    const links = needs.flatMap((need) => [`-L${built}`, `-l${need}`]);
    const output = join(built, `lib${name}.so`);
    execFileSync('cc', ['-shared', '-fPIC', `-Wl,-soname,lib${name}.so.1`, '-o', output, source, ...links]);
    copyFileSync(output, join(built, `lib${name}.so.1`));
  };
  const wanted = join(built, 'libpixtape_top.so.1');

  it('are loaded in the order of their dependencies, and unneeded ones are not', async () => {
    compile('pixtape_low', []);
    compile('pixtape_idle', []);
    compile('pixtape_left', ['pixtape_low']);
    compile('pixtape_right', ['pixtape_low', 'pixtape_left']);
    compile('pixtape_top', ['pixtape_right', 'pixtape_left']);
    const order = await loadOrder([wanted], await librariesIn(built));
    const names = order.map((path) => basename(path, '.so.1').replace('libpixtape_', ''));
    expect([...names].sort()).toEqual(['left', 'low', 'right', 'top']);
    for (const [first, second] of ['low left', 'low right', 'left right', 'right top'].map((pair) => pair.split(' '))) {
      expect(names.indexOf(first as string)).toBeLessThan(names.indexOf(second as string));
    }
  });

  it('are refused with the name of the missing one', async () => {
    const less = join(folder, 'less');
    cpSync(built, less, { recursive: true });
    rmSync(join(less, 'libpixtape_low.so'));
    rmSync(join(less, 'libpixtape_low.so.1'));
    await expect(loadOrder([join(less, basename(wanted))], await librariesIn(less))).rejects.toThrow(/libpixtape_low/);
  });

  it('are refused if one is not a library', async () => {
    const broken = join(folder, 'broken.so');
    writeFileSync(broken, readFileSync(wanted).subarray(0, 100));
    await expect(loadOrder([broken], new Map())).rejects.toThrow(/broken\.so/);
  });
});
