import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import koffi, { type TypeObject } from 'koffi';
import { findIcds } from '../../../src/drivers/probe/icd.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { CStruct, cArray, cString, type Pointee, stringAt, u32At, u64At } from '../memory.ts';
import { readSpirv } from './spirv.ts';

/**
 * Uses Mesa's driver for Radeon GPUs as a compiler. The driver can pretend that a GPU of some family is present, compile
 * for it, and report the result (VK_KHR_pipeline_executable_properties). It cannot run anything. We call the driver's
 * library directly, without the Vulkan loader, so that Dawn can use another driver in the same process.
 * Source: Vulkan 1.3's vulkan_core.h for the structures; docs.mesa3d.org/envvars.html for RADV_FORCE_FAMILY.
 */

/** What a compiler made of a kernel. */
export interface Compiled {
  /** The driver's own statistics by their names, e.g. "VGPRs", "Spilled VGPRs", "LDS size". */
  statistics: ReadonlyMap<string, number>;
  subgroupSize: number;
  assembly: string;
}

const INSTALL = 'Debian and Ubuntu: apt-get install mesa-vulkan-drivers (24.1 or newer).';

/** The library of Mesa's driver for Radeon GPUs. @throws PixtapeError if it is not installed */
function findLibrary(): string {
  // Ignore the variable that names Dawn's driver: we look for another one.
  for (const icd of findIcds({ ...process.env, VK_DRIVER_FILES: '', VK_ICD_FILENAMES: '' })) {
    const path = libraryOf(icd);
    if (path !== undefined && /libvulkan_radeon/.test(path)) return path;
  }
  throw new PixtapeError('isa: no ICD file names libvulkan_radeon, the compiler for AMD GPUs', INSTALL);
}

function libraryOf(icd: string): string | undefined {
  try {
    const path: unknown = JSON.parse(readFileSync(icd, 'utf8'))?.ICD?.library_path;
    if (typeof path !== 'string') return undefined;
    const beside = resolve(dirname(icd), path);
    return !isAbsolute(path) && existsSync(beside) ? beside : path;
  } catch {
    // A file that cannot be read or is not JSON describes no driver.
    return undefined;
  }
}

/** One GPU family of the compiler, e.g. `navi31`. */
export class Radv {
  readonly name: string;
  private readonly get: (name: string) => unknown;
  private readonly device: bigint;

  private constructor(name: string, get: (name: string) => unknown, device: bigint) {
    this.name = name;
    this.get = get;
    this.device = device;
  }

  /** @throws PixtapeError if the driver is missing, or does not know the family */
  static open(family: string): Radv {
    // The driver reads this each time devices are listed.
    process.env.RADV_FORCE_FAMILY = family;
    const getInstanceProc = koffi
      .load(findLibrary())
      .func('void *vk_icdGetInstanceProcAddr(uint64_t instance, const char *name)');
    const create = (name: string, instance: bigint): unknown => {
      const found = getInstanceProc(instance, name);
      if (!found) throw new Error(`the driver has no ${name}`);
      return found;
    };
    const application = new CStruct().u32(0).pointer(null).pointer(null).u32(0).pointer(null).u32(0, 4206592).buffer;
    const out = new BigUint64Array(1);
    check(
      'vkCreateInstance',
      invoke(
        create('vkCreateInstance', 0n),
        'ppp',
        info(1).u32(0).pointer(application).u32(0).pointer(null).u32(0).pointer(null).buffer,
        null,
        bytes(out),
      ),
    );
    const instance = out[0] as bigint;
    const get = (name: string) => create(name, instance);
    const count = Uint32Array.of(1);
    const listed = invoke(get('vkEnumeratePhysicalDevices'), 'hpp', instance, bytes(count), bytes(out));
    if (listed < 0 || count[0] === 0)
      throw new PixtapeError(`isa: Mesa does not know the GPU family "${family}"`, INSTALL);
    const gpu = out[0] as bigint;
    const properties = new Uint8Array(1024);
    invoke(get('vkGetPhysicalDeviceProperties'), 'hp', gpu, properties);
    const features = allFeatures();
    invoke(get('vkGetPhysicalDeviceFeatures2'), 'hp', gpu, features);
    const extensions = ['VK_KHR_pipeline_executable_properties'].map(cString);
    const names = extensions.reduce((list, name) => list.pointer(name), new CStruct()).buffer;
    const queue = info(2).u32(0, 0, 1).pointer(new CStruct().f32(1).buffer).buffer;
    const description = info(3, features)
      .u32(0, 1)
      .pointer(queue)
      .u32(0)
      .pointer(null)
      .u32(extensions.length)
      .pointer(names)
      .pointer(null).buffer;
    check('vkCreateDevice', invoke(get('vkCreateDevice'), 'hppp', gpu, description, null, bytes(out)));
    return new Radv(stringAt(properties, 20), get, out[0] as bigint);
  }

  /** @param subgroupSize 32 or 64; by default the driver's choice */
  compile(code: Uint8Array, subgroupSize?: number): Compiled {
    const { entry, bindings } = readSpirv(code);
    const module = this.make('vkCreateShaderModule', info(16).u32(0).u64(code.length).pointer(code).buffer);
    const slots = bindings.map(
      ({ index, kind }) => new CStruct().u32(index, kind === 'uniform' ? 6 : 7, 1, 0x20).pointer(null).buffer,
    );
    const set = this.make('vkCreateDescriptorSetLayout', info(32).u32(0, slots.length).pointer(cArray(slots)).buffer);
    // Dawn passes buffer sizes this way.
    const constants = new CStruct().u32(0x20, 0, 128).buffer;
    const sets = new CStruct().u64(set).buffer;
    const layout = this.make(
      'vkCreatePipelineLayout',
      info(30).u32(0, 1).pointer(sets).u32(1).pointer(constants).buffer,
    );
    const width = subgroupSize === undefined ? null : info(1000225001).u32(subgroupSize).buffer;
    const stage = info(18, width).u32(0, 0x20).u64(module).pointer(cString(entry)).pointer(null);
    const pipelineInfo = info(29).u32(0xc0); // CAPTURE_STATISTICS | CAPTURE_INTERNAL_REPRESENTATIONS
    const pipeline = this.pipeline(pipelineInfo.embed(stage).u64(layout, 0).u32(0xffffffff).buffer);
    const compiled = this.describe(pipeline);
    const destroy = (name: string, handle: bigint) => invoke(this.get(name), 'hhp', this.device, handle, null);
    destroy('vkDestroyPipeline', pipeline);
    destroy('vkDestroyPipelineLayout', layout);
    destroy('vkDestroyDescriptorSetLayout', set);
    destroy('vkDestroyShaderModule', module);
    return compiled;
  }

  private make(name: string, description: Uint8Array): bigint {
    const out = new BigUint64Array(1);
    check(name, invoke(this.get(name), 'hppp', this.device, description, null, bytes(out)));
    return out[0] as bigint;
  }

  private pipeline(description: Uint8Array): bigint {
    const out = new BigUint64Array(1);
    const name = 'vkCreateComputePipelines';
    check(name, invoke(this.get(name), 'hhuppp', this.device, 0n, 1, description, null, bytes(out)));
    return out[0] as bigint;
  }

  private describe(pipeline: bigint): Compiled {
    const list = (name: string, which: Uint8Array, size: number, empty: () => Uint8Array): Uint8Array[] => {
      const count = Uint32Array.of(0);
      check(name, invoke(this.get(name), 'hppp', this.device, which, bytes(count), null));
      const all = cArray(Array.from({ length: count[0] as number }, empty));
      check(name, invoke(this.get(name), 'hppp', this.device, which, bytes(count), all));
      return Array.from({ length: count[0] as number }, (_, i) => all.subarray(i * size, (i + 1) * size));
    };
    const executable = info(1000269003).u64(pipeline).u32(0).buffer;
    const [properties] = list(
      'vkGetPipelineExecutablePropertiesKHR',
      info(1000269001).u64(pipeline).buffer,
      536,
      () => info(1000269002).room(520).buffer,
    );
    const statistics = list(
      'vkGetPipelineExecutableStatisticsKHR',
      executable,
      544,
      () => info(1000269004).room(528).buffer,
    );
    const name = 'vkGetPipelineExecutableInternalRepresentationsKHR';
    const empty = () => info(1000269005).room(536).buffer;
    const sizes = list(name, executable, 552, empty);
    const texts = sizes.map((s) => new Uint8Array(Number(u64At(s, 536))));
    const count = Uint32Array.of(texts.length);
    const all = cArray(texts.map((text) => info(1000269005).room(512).u32(0).u64(text.length).pointer(text).buffer));
    check(name, invoke(this.get(name), 'hppp', this.device, executable, bytes(count), all));
    const at = sizes.findIndex((s) => /assembly/i.test(stringAt(s, 16)));
    if (at < 0 || !properties) throw new Error('the driver shows no machine code');
    return {
      subgroupSize: u32At(properties, 532),
      statistics: new Map(statistics.map((s) => [stringAt(s, 16), Number(u64At(s, 536))])),
      assembly: stringAt(texts[at] as Uint8Array, 0),
    };
  }
}

/** Begins a structure: its type's number in vulkan_core.h, and the pNext chain. */
function info(type: number, next: Pointee = null): CStruct {
  return new CStruct().u32(type).pointer(next);
}

/** VkPhysicalDeviceFeatures2 with the chain of Vulkan 1.1 to 1.3, for the driver to fill in. */
function allFeatures(): Uint8Array {
  const executables = info(1000269000).room(8).buffer;
  const v13 = info(53, executables).room(64).buffer;
  const v12 = info(51, v13).room(192).buffer;
  const v11 = info(49, v12).room(48).buffer;
  return info(1000059000, v11).room(224).buffer;
}

const prototypes = new Map<string, unknown>();
const TYPES: Readonly<Record<string, string>> = { h: 'uint64_t', p: 'void *', u: 'uint32_t' };

/**
 * Calls a function of the driver; `signature` has a letter per argument: h a handle, p a pointer, u a 32-bit number.
 */
function invoke(fn: unknown, signature: string, ...values: (Pointee | number)[]): number {
  let prototype = prototypes.get(signature);
  if (!prototype) {
    const list = [...signature].map((letter) => TYPES[letter]).join(', ');
    prototype = koffi.proto(`int32_t vk_${signature}(${list})`);
    prototypes.set(signature, prototype);
  }
  return koffi.call(fn, prototype as TypeObject, ...values);
}

const bytes = (array: Uint32Array | BigUint64Array): Uint8Array => new Uint8Array(array.buffer);

/** Checks a result. Negative ones are errors; positive ones mean for example that a list was truncated. */
function check(name: string, result: number): void {
  if (result !== 0) throw new Error(`${name} failed: VkResult ${result}`);
}
