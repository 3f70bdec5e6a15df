// Runs in a process of its own, as the text of `node -e`: loads a driver as its recipe says and tells, as JSON on
// stdout, what came of it. A driver that crashes or hangs takes this process with it and no other.
// argv: the URL of the `webgpu` package; the recipe as JSON; a part of an adapter's name, or nothing.
import { constants } from 'node:os';

const [, webgpu, recipeText, wantedName = ''] = process.argv;
const recipe = JSON.parse(recipeText);
const answer = { loader: undefined, flags: recipe.flags, names: [] };

function finish(more) {
  Object.assign(answer, more);
  // Straight out: tearing a driver down can crash, and what was learnt must not be lost by that.
  process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
}

const RTLD_NODELETE = 0x1000;

/** What stopped a library from being loaded; undefined where it was. */
function load(library) {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    // No Node addon, but with that flag it stays loaded, and Dawn finds it by its name: see loader.ts.
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
  // Dawn lists the adapters' full names only when asked for one that does not exist.
  const listNames = async () => {
    try {
      await request([...recipe.flags, 'adapter=(list)']);
    } catch (error) {
      answer.names = [...String(error.message).matchAll(/name: '([^\n]*)'$/gm)].map((match) => match[1]);
    }
  };
  // `GeForce RTX` and `geforce-rtx` are one name.
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
    // A machine with a GPU and a software driver may be given the latter first.
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
  // An adapter that cannot open a device is of no use.
  await adapter.requestDevice();
  return finish(report);
}

main().catch((error) => finish({ failure: 'error', message: String(error?.message ?? error) }));
