// Runs in a process of its own, as the text of `node -e`: loads a driver by its recipe and prints the outcome as JSON
// on stdout. A driver that crashes or hangs affects only this process. argv: the URL of the `webgpu` package; the
// recipe as JSON; a part of an adapter's name, or nothing.
import { constants } from 'node:os';

const [, webgpu, recipeText, wantedName = ''] = process.argv;
const recipe = JSON.parse(recipeText);
const answer = { loader: undefined, flags: recipe.flags, names: [] };

function finish(more) {
  Object.assign(answer, more);
  // Exit at once: tearing down a driver can crash, and the answer must not be lost.
  process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
}

const RTLD_NODELETE = 0x1000;

/** Loads a library. Returns the reason for a failure; undefined on success. */
function load(library) {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    // It is no Node addon, but with this flag it stays loaded, and Dawn finds it by its name: see loader.ts.
    return /self-register/.test(error.message) ? undefined : error.message;
  }
}

async function main() {
  for (const library of recipe.libraries) {
    const stopped = load(library);
    if (stopped !== undefined) return finish({ failure: 'error', message: stopped });
  }
  answer.loader = recipe.loaders.find((loader) => load(loader) === undefined);
  if (recipe.loaders.length > 0 && answer.loader === undefined) return finish({ failure: 'no-loader' });
  const { create } = await import(webgpu);
  const keep = [];
  const request = async (flags) => {
    const gpu = create(flags);
    keep.push(gpu);
    return gpu.requestAdapter(recipe.request);
  };
  // Dawn lists the adapters' full names only if asked for one that does not exist.
  const listNames = async () => {
    try {
      await request([...recipe.flags, 'adapter=(list)']);
    } catch (error) {
      answer.names = [...String(error.message).matchAll(/name: '([^\n]*)'$/gm)].map((match) => match[1]);
    }
  };
  // `GeForce RTX` and `geforce-rtx` match.
  const plain = (text) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, ' ')
      .trim();
  const software = /llvmpipe|lavapipe|swiftshader|basic render|software/i;

  const choose = (name) => {
    answer.name = name;
    answer.flags = [...recipe.flags, `adapter=${name}`];
  };

  let adapter = null;
  if (wantedName) {
    await listNames();
    const name = answer.names.find((each) => plain(each).includes(plain(wantedName)));
    if (name !== undefined) choose(name);
    adapter = await request(answer.flags);
  } else {
    adapter = await request(answer.flags);
    // On a machine with a GPU and a software driver, Dawn may return the latter first.
    if (recipe.hardwareOnly && (adapter === null || adapter.info.isFallbackAdapter)) {
      await listNames();
      const name = answer.names.find((each) => !software.test(each));
      if (name !== undefined) {
        choose(name);
        adapter = await request(answer.flags);
      }
    }
  }
  if (adapter === null) return finish({ failure: 'no-adapter' });
  const { info } = adapter;
  const limits = {};
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(adapter.limits))) {
    if (typeof adapter.limits[name] === 'number') limits[name] = adapter.limits[name];
  }
  const report = {
    description: info.description,
    fallback: info.isFallbackAdapter === true,
    adapter: {
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      subgroupMinSize: info.subgroupMinSize ?? 0,
      subgroupMaxSize: info.subgroupMaxSize ?? 0,
      features: [...adapter.features].sort(),
      limits,
    },
  };
  report.matrices = await matrices(adapter, request);
  // Reject an adapter that cannot open a device or computes wrong values.
  const message = await compute(adapter, recipe.trial);
  return finish(message === undefined ? report : { failure: 'error', message });
}

/** What the adapter has of matrices, which Dawn holds back unless it is asked; undefined where it has none. */
async function matrices({ features, info }, request) {
  if (info.isFallbackAdapter) return undefined;
  const { feature, flag } = recipe.matrices;
  const flags = features.has(feature) ? answer.flags : [...answer.flags, flag];
  const found = await request(flags);
  if (found?.info.device !== info.device || !found.features.has(feature)) return undefined;
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs } = found.info;
  const configs = [...subgroupMatrixConfigs].map(({ componentType, resultComponentType, M, N, K }) => {
    return { componentType, resultComponentType, M, N, K };
  });
  const sizes = { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: configs };
  return { flags, features: [...found.features], info: sizes };
}

const [MAP_READ, COPY_SRC, COPY_DST, STORAGE] = [0x1, 0x4, 0x8, 0x80];

/** Computes a trial on a device of its own. Returns what is wrong with the result; undefined if it is right. */
async function compute(adapter, { feature, beside = [], code, groups, input, expected }) {
  if (feature && !adapter.features.has(feature)) return `it has no ${feature}`;
  const device = await adapter.requestDevice({ requiredFeatures: feature ? [feature, ...beside] : [] });
  device.pushErrorScope('validation');
  const [from, to] = [Uint32Array.from(input), Uint32Array.from(expected)];
  const make = (size, usage) => device.createBuffer({ size, usage });
  const x = make(Math.max(from.byteLength, 4), STORAGE | COPY_DST);
  const y = make(to.byteLength, STORAGE | COPY_SRC);
  const read = make(to.byteLength, MAP_READ | COPY_DST);
  if (input.length > 0) device.queue.writeBuffer(x, 0, from);
  const compute = { module: device.createShaderModule({ code }) };
  const pipeline = device.createComputePipeline({ layout: 'auto', compute });
  const entries = [x, y].map((buffer, binding) => ({ binding, resource: { buffer } }));
  if (input.length === 0) entries.shift();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(groups);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, read, 0, to.byteLength);
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) return error.message;
  await read.mapAsync(MAP_READ);
  const words = new Uint32Array(read.getMappedRange());
  const wrong = to.findIndex((word, i) => words[i] !== word);
  if (wrong < 0) return undefined;
  const hex = (word) => `0x${word.toString(16)}`;
  return `it computes wrong${feature ? ` with ${feature}` : ''}: word ${wrong} is ${hex(words[wrong])}, not ${hex(to[wrong])}`;
}

main().catch((error) => finish({ failure: 'error', message: String(error?.message ?? error) }));
