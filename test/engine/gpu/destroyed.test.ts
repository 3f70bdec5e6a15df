import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../../src/engine/gpu/dry_run.ts';
import * as library from '../../../src/index.ts';
import * as node from '../../../src/node.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { tinyConfig } from '../../pix2pix/train/tiny.ts';

/**
 * Everything that the package exports, on a destroyed device: each export throws at the call, not at a later read. A
 * destroyed device is handled on the host, so a dry run suffices here.
 */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const { Adam, Conv2d, Rng, record, scale, Tensor } = library;

const dcgan = { side: 16, nz: 2, ngf: 2, ndf: 2, classes: 0 };
const disc = { inChannels: 3, hidden: 2, norm: 'batch' as const };

const DOUBLE = `
  struct Params { n: u32 }
  @group(0) @binding(0) var<uniform> p: Params;
  @group(0) @binding(1) var<storage, read_write> x: array<f32>;
  @compute @workgroup_size(64)
  fn main(@builtin(global_invocation_id) at: vec3u) { if (at.x < p.n) { x[at.x] *= 2.0; } }
`;

/** What was made before the device was destroyed. */
async function before(on: Device) {
  const x = Tensor.zeros(on, [1, 4, 8, 8], 'x');
  x.requiresGrad = true;
  const counts = Tensor.zeros(on, [2], 'counts', 'u32');
  const net = new Conv2d(on, 4, 4, 1);
  const recorded = await record(on, () => scale(x, 2));
  const kernel = on.kernel('double', DOUBLE);
  return {
    on,
    x,
    kernel,
    counts,
    net,
    norm: new library.BatchNorm2d(on, 4),
    generator: new library.DcganGenerator(on, dcgan),
    recorded,
    rng: new Rng(on, 0),
    adam: new Adam(on, [x]),
  };
}
type Before = Awaited<ReturnType<typeof before>>;
type Call = (b: Before) => unknown;

const { reshape } = library;
const row = (x: library.Tensor) => reshape(x, [4, 4, 16]);

/** Operations by name, with valid arguments: called in a recording during which the device is destroyed. */
const operations: Record<string, (b: Before) => unknown[]> = {
  ...Object.fromEntries(
    [
      ...['abs', 'exp', 'log', 'sqrt', 'rsqrt', 'sin', 'cos', 'neg'],
      ...['relu', 'leakyRelu', 'sigmoid', 'tanh', 'gelu', 'silu', 'softplus', 'elu'],
      ...['sum', 'mean', 'variance', 'std', 'norm', 'amax', 'amin', 'argmax', 'argmin', 'flatten', 'squeeze'],
      ...['globalAvgPool', 'instanceNorm'],
    ].map((name) => [name, ({ x }: Before) => [x]]),
  ),
  ...Object.fromEntries(
    [
      ...['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'matmul'],
      ...['mseLoss', 'l1Loss', 'smoothL1Loss', 'klDivLoss', 'normalDivergence', 'concatCropped'],
    ].map((name) => [name, ({ x }: Before) => [x, x]]),
  ),
  adaptiveAvgPool2d: ({ x }) => [x, 2],
  avgPool2d: ({ x }) => [x, 2],
  bceWithLogits: ({ x }) => [x, 1],
  batchNorm: ({ x, norm }) => [x, ...norm.stateDict().values(), { training: true }],
  cast: ({ x }) => [x, 'u32'],
  centerCrop: ({ x }) => [x, 2, 2],
  clamp: ({ x }) => [x, 0, 1],
  concat: ({ x }) => [[x, x]],
  conv1d: ({ x }) => [row(x), row(x)],
  conv2d: ({ x, net }) => [x, net.weight],
  convTranspose1d: ({ x }) => [row(x), row(x)],
  convTranspose2d: ({ x, net }) => [x, net.weight],
  crossEntropy: ({ x }) => [x, x.detach()],
  cumsum: ({ x }) => [x, 1],
  dropout: ({ x, rng }) => [x, 0.5, rng],
  embedding: ({ x, counts }) => [counts, reshape(x, [64, 4])],
  expand: ({ x }) => [x, [2, 4, 8, 8]],
  gather: ({ x, counts }) => [reshape(x, [1, 256]), 1, reshape(counts, [1, 2])],
  ganLoss: ({ x }) => ['lsgan', x, 1],
  hingeLoss: ({ x }) => [x, 'real'],
  groupNorm: ({ x }) => [x, 2],
  layerNorm: ({ x }) => [x, [8]],
  logSoftmax: ({ x }) => [x, 1],
  maxPool2d: ({ x }) => [x, 2],
  oneHot: ({ counts }) => [counts, 3],
  pad: ({ x }) => [x, [1, 1]],
  permute: ({ x }) => [x, [0, 1, 3, 2]],
  pixelShuffle: ({ x }) => [x, 2],
  pixelUnshuffle: ({ x }) => [x, 2],
  rand: ({ on, rng }) => [on, [2], rng],
  randn: ({ on, rng }) => [on, [2], rng],
  reshape: ({ x }) => [x, [256]],
  scale: ({ x }) => [x, 2],
  slice: ({ x }) => [x, [undefined, { end: 2 }]],
  softmax: ({ x }) => [x, 1],
  split: ({ x }) => [x, 2, 1],
  stack: ({ x }) => [[x, x]],
  transpose: ({ x }) => [x, 0, 1],
  unsqueeze: ({ x }) => [x, 0],
  upsampleBicubic: ({ x }) => [x, 16, 16, false],
  upsampleBilinear: ({ x }) => [x, 16, 16, false],
  upsampleNearest: ({ x }) => [x, 16, 16],
  ssimLoss: ({ x }) => [reshape(x, [1, 1, 16, 16]), reshape(x.detach(), [1, 1, 16, 16])],
  transpose2d: ({ x }) => [reshape(x, [16, 16])],
  wassersteinLoss: ({ x }) => [x, 'real'],
  where: ({ x }) => [x, x, x],
};

/** Everything else that takes a device, or something made on one. */
const calls: Record<string, Call | readonly Call[]> = {
  Adam: ({ on, x }) => new Adam(on, [x]),
  AdamW: ({ on, x }) => new library.AdamW(on, [x]),
  BatchNorm2d: ({ on }) => new library.BatchNorm2d(on, 4),
  Classifier: ({ on }) => new library.Classifier(on, { side: 8, hidden: 2, classes: 2 }),
  Conv2d: ({ on }) => new Conv2d(on, 4, 4, 1),
  ConvTranspose2d: ({ on }) => new library.ConvTranspose2d(on, 4, 4, 1),
  DcganDiscriminator: ({ on }) => new library.DcganDiscriminator(on, dcgan),
  DcganGenerator: ({ on }) => new library.DcganGenerator(on, dcgan),
  Device: [
    ({ on }) => on.allocate([4], 'x'),
    ({ on }) => on.check(),
    ({ on }) => on.compile([]),
    ({ on }) => on.drain(),
    ({ on }) => on.kernel('x', 'y'),
    ({ on }) => on.nextStream(),
    ({ on }) => on.persistent(4, 'x'),
    ({ on, x }) => on.read(x.storage),
    ({ on, x }) => on.write(x.storage, new Float32Array(1)),
  ],
  Embedding: ({ on }) => new library.Embedding(on, 4, 4),
  Gan: ({ on }) => new library.Gan(on, { ...library.GAN_PRESETS.quick, side: 16, ngf: 2, ndf: 2 }),
  GanSampler: ({ on, generator }) => new library.GanSampler(on, generator).prepare(),
  Generator: ({ on, rng }) => new library.Generator(on, { hidden: 2, depth: 2 }, rng),
  GroupNorm: ({ on }) => new library.GroupNorm(on, 2, 4),
  InstanceNorm2d: ({ on }) => new library.InstanceNorm2d(on, 4),
  LayerNorm: ({ on }) => new library.LayerNorm(on, 4),
  Linear: ({ on }) => new library.Linear(on, 4, 4),
  NLayerDiscriminator: ({ on }) => new library.NLayerDiscriminator(on, disc),
  PatchGAN: ({ on }) => new library.PatchGAN(on, { hidden: 2 }),
  Pix2Pix: ({ on }) => new library.Pix2Pix(on, tinyConfig()),
  PixelDiscriminator: ({ on }) => new library.PixelDiscriminator(on, disc),
  RMSprop: ({ on, x }) => new library.RMSprop(on, [x], { lr: 1 }),
  Recorded: [
    ({ recorded }) => recorded.run(),
    ({ recorded }) => recorded.runInParts(),
    ({ recorded }) => recorded.program.profile(),
    ({ recorded }) => recorded.outputs.read(),
  ],
  ResizeUnetGenerator: ({ on, rng }) =>
    new library.ResizeUnetGenerator(on, { ...disc, outChannels: 3, depth: 2, dropout: 0, norm: 'batch' }, rng),
  ResnetGenerator: ({ on, rng }) =>
    new library.ResnetGenerator(on, { ...disc, outChannels: 3, depth: 1, dropout: 0 }, rng),
  Rng: ({ on }) => new Rng(on, 0),
  SGD: ({ on, x }) => new library.SGD(on, [x], { lr: 1 }),
  Tensor: [
    ({ on }) => Tensor.zeros(on, [4]),
    ({ on }) => Tensor.from(on, [1], [1]),
    ({ on }) => Tensor.lazy(on, [1], 'x', () => new Float32Array(1)),
    ({ x }) => x.write(new Float32Array(256)),
    ({ x }) => x.read(),
    ({ counts }) => counts.readIntegers(),
  ],
  UnetGenerator: ({ on, rng }) =>
    new library.UnetGenerator(on, { ...disc, outChannels: 3, depth: 5, dropout: 0, norm: 'batch' }, rng),
  WeightAverage: ({ net }) => new library.WeightAverage(net, net),
  createDiscriminator: ({ on }) => library.createDiscriminator(on, tinyConfig()),
  createGenerator: ({ on, rng }) => library.createGenerator(on, tinyConfig(), rng),
  createNorm: ({ on }) => library.createNorm(on, 'batch', 4),
  initWeights: ({ net }) => library.initWeights(net, { seed: 0, stream: 0, normMean: 0 }),
  record: ({ on, x }) => record(on, () => scale(x, 2)),
  run: ({ on, x }) => library.run(on, () => scale(x, 2)),
};

/** Functions for use in a recording that record, but are not operations. */
const recording: Record<string, (b: Before & { y: library.Tensor }) => unknown> = {
  backward: ({ x, y }) => library.backward(y, x),
  checkpoint: ({ x }) => library.checkpoint([x], ([y]) => scale(y as library.Tensor, 2)),
  clipGradNorm: ({ x }) => {
    x.grad = x;
    library.clipGradNorm([x], 1);
  },
  dispatch: (b) => library.dispatch(b.kernel, { x: b.x }, { n: 1 }, [1]),
  dispatchElements: (b) => library.dispatchElements(b.kernel, { x: b.x }, { n: 1 }),
  grad: ({ x, y }) => library.grad(y, [x], { seed: x }),
};

/** Exports that have nothing to do with a device. */
const without: Record<string, string> = {
  'numbers, names, texts and files':
    'cosine linearDecay Plateau stepDecay warmup learningRates RandomStream decodeSafetensors encodeSafetensors ' +
    'checkSides TUTORIAL_GENERATOR decodeHeader encodeHeader PRESET_NAMES PRESETS GAN_PRESET_NAMES GAN_PRESETS GAN_MODES ' +
    'LR_POLICIES readSafetensors writeFileAtomic writeSafetensorsAtomic FolderInUse FolderLock writePictureAs readPicture ' +
    'resizePicture BatchLoader StepLoader stepsPerEpoch openDataset openPictures choicesOf TuningCache ' +
    'readCheckpointHeader readGanHeader ganBatches readLog Progress sampleGrid PixtapeError',
  'classes of others': 'Module Optimizer',
  'modules without tensors':
    'ELU GELU LeakyReLU ReLU Sigmoid SiLU Softplus Tanh Dropout Flatten AvgPool2d GlobalAvgPool MaxPool2d Sequential',
  'notes, and makers of operations': 'buffer parameter ConvTuning convTuning binary unary differentiable noGrad',
  'adapters, and devices that are to be opened': 'closeAdapter openAdapter surveyAdapters openDevice',
  'work on paper, for which a device says only what it can do':
    'estimatePrediction estimateTraining trainingStep tuneModel',
  'work with a model or a file, through what is tested here':
    'captureState restoreGenerator restoreState loadCheckpoint loadGenerator saveCheckpoint loadGan loadGanGenerator ' +
    'saveGan translate trainGan trainPix2Pix Predictor',
};

const DESTROYED = /^this device was destroyed\n.*Open another one/;
const isDestroyed = { code: 'misuse', message: expect.stringMatching(DESTROYED) };

test('every export is called here, or has nothing to do with a device', () => {
  const listed = [
    ...[operations, calls, recording].flatMap((table) => Object.keys(table)),
    ...Object.values(without).flatMap((names) => names.split(' ')),
  ];
  expect(listed.sort()).toEqual(Object.keys(node).sort());
});

const outcome = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );

describe.each(Object.entries(operations))('%s', (name, given) => {
  const operation = (library as unknown as Record<string, (...args: unknown[]) => unknown>)[name];

  test('throws in a recording whose device is destroyed meanwhile', async () => {
    const b = await before(await dryRunDevice(device));
    const body = (destroy: boolean) => () => {
      const args = given(b);
      if (destroy) b.on.destroy();
      return operation?.(...args);
    };
    expect(await outcome(() => record(b.on, body(false)))).toBeUndefined();
    let thrown: unknown;
    await outcome(() =>
      record(b.on, () => {
        try {
          body(true)();
        } catch (error) {
          thrown = error;
        }
      }),
    );
    expect(thrown).toMatchObject(isDestroyed);
  });
});

const others = [
  ...Object.entries(calls).map(([name, of]) => [name, [of].flat(), false] as const),
  ...Object.entries(recording).map(([name, call]) => [name, [call as Call], true] as const),
];
describe.each(others)('%s', (_, each, inRecording) => {
  test.each(each.map((call, i) => [i, call] as const))('%i', async (_, call) => {
    const b = await before(await dryRunDevice(device));
    let thrown: unknown;
    if (!inRecording) {
      b.on.destroy();
      thrown = await outcome(() => call(b));
    } else {
      await outcome(() =>
        record(b.on, () => {
          const y = scale(b.x, 2);
          b.on.destroy();
          try {
            call({ ...b, y } as Before);
          } catch (error) {
            thrown = error;
          }
        }),
      );
    }
    expect(thrown).toMatchObject(isDestroyed);
  });
});

test('a device that computes says so at once, too', async () => {
  const own = await openTestDevice();
  own.destroy();
  expect(() => Tensor.zeros(own, [4])).toThrow(DESTROYED);
  await own.gpu.lost;
  expect(() => Tensor.zeros(own, [4])).toThrow(DESTROYED);
});

test('what was made can still be freed', async () => {
  const { on, x, net, recorded, adam, rng } = await before(await dryRunDevice(device));
  on.destroy();
  for (const made of [x, net, adam, rng]) made.dispose();
  recorded.destroy();
  on.destroy();
});
