import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import sharp, { type Sharp } from 'sharp';
import { decodeSafetensors, encodeSafetensors } from '../../src/engine/util/safetensors.ts';
import { importGenerator } from '../../src/pix2pix/train/checkpoint/import.ts';
import { encodeHeader, GAN_FORMAT } from '../../src/pix2pix/train/checkpoint/state.ts';
import { GAN_PRESETS } from '../../src/pix2pix/train/config/gan_config.ts';
import { makeTiff } from '../../test/pix2pix/data/decoders/make_tiff.ts';

/** Good files of each kind, to damage. */
export async function seeds(root: string): Promise<Record<string, Uint8Array[]>> {
  const fixture = (name: string) => new Uint8Array(readFileSync(join(root, 'test', 'fixtures', 'pth', name)));
  const pth = [
    'values',
    'values-protocol4',
    'values-legacy',
    'values-legacy-python2',
    'views-legacy',
    'training',
    'resnet',
  ];
  return {
    safetensors: [fixture('values.safetensors'), fixture('latest_net_G.safetensors')],
    pth: [...pth, 'latest_net_G', 'hostile', 'object'].map((name) => fixture(`${name}.pth`)),
    checkpoint: [await checkpoint(fixture('latest_net_G.safetensors')), ganCheckpoint()],
    ...(await pictures()),
    npy: [npy('|u1', [5, 4, 3], new Uint8Array(60)), npy('<f4', [5, 4], new Float32Array(20))],
    zip: [zip('A/0.png', 'B/0.png', 'notes.txt'), zip('set\\train\\1.jpg')],
    csv: [Buffer.from('file,class\na/1.png,cat\n"a/2.png","dog, ""large"""\r\n1.png;cat\n').subarray()],
  };
}

async function checkpoint(weights: Uint8Array): Promise<Uint8Array> {
  const { tensors } = decodeSafetensors(weights, 'seed');
  const file = { path: 'seed', entries: tensors, read: async (name: string) => tensors.get(name) as never };
  const { pieces } = await importGenerator(file, { dropout: 0.5 });
  return new Uint8Array(Buffer.concat(pieces));
}

function ganCheckpoint(): Uint8Array {
  const header = encodeHeader({ config: GAN_PRESETS.dcgan, step: 3, run: {} }, GAN_FORMAT);
  const tensor = { dtype: 'F32' as const, shape: [2], data: new Float32Array(2) };
  return new Uint8Array(Buffer.concat(encodeSafetensors(new Map([['gen.a', tensor]]), header)));
}

async function pictures(): Promise<Record<string, Uint8Array[]>> {
  const [width, height] = [24, 16];
  const noise = (channels: number) => Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 251);
  const raw = (channels: 1 | 2 | 3 | 4) => sharp(noise(channels), { raw: { width, height, channels } });
  const bytes = async (made: Sharp) => new Uint8Array(await made.toBuffer());
  const sized = { width, height };
  const tiff = (parts: Omit<Parameters<typeof makeTiff>[0], 'width' | 'height'>) =>
    new Uint8Array(makeTiff({ ...sized, ...parts }));
  return {
    png: [
      await bytes(raw(3).png()),
      await bytes(raw(4).png({ progressive: true })),
      await bytes(raw(3).png({ palette: true, colours: 16 })),
      await bytes(raw(3).toColourspace('rgb16').png()),
      await bytes(raw(3).withMetadata({ orientation: 6 }).png()),
    ],
    jpeg: [
      await bytes(raw(3).jpeg()),
      await bytes(raw(3).jpeg({ progressive: true })),
      await bytes(raw(1).jpeg()),
      await bytes(raw(3).toColourspace('cmyk').jpeg()),
      await bytes(raw(3).withMetadata({ orientation: 8 }).jpeg()),
    ],
    tiff: [
      await bytes(raw(3).tiff({ compression: 'lzw', predictor: 'horizontal' })),
      await bytes(raw(3).tiff({ compression: 'jpeg', tile: true, tileWidth: 16, tileHeight: 16 })),
      await bytes(raw(4).tiff({ compression: 'deflate' })),
      tiff({ bands: 5, data: noise(5), photometric: 1 }),
      tiff({ bands: 4, data: noise(4), photometric: 2, extra: [0], planar: true }),
      tiff({ bands: 1, data: new Float32Array(width * height), photometric: 1 }),
      tiff({ bands: 13, data: new Uint16Array(13 * width * height), photometric: 1, tags: [[274, 3, [6]]] }),
    ],
    webp: [await bytes(raw(3).webp()), await bytes(raw(4).webp({ lossless: true }))],
    gif: [await bytes(raw(3).gif())],
    bmp: [bmp(24), bmp(8), bmp(32)],
    svg: [
      Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="4" height="4" fill="red"/></svg>',
      ),
    ],
  };
}

function bmp(bits: number): Uint8Array {
  const [width, height] = [9, 7];
  const [stride, palette] = [Math.ceil((width * bits) / 32) * 4, bits <= 8 ? 4 * 2 ** bits : 0];
  const file = Buffer.alloc(54 + palette + stride * height, 0x55);
  file.write('BM');
  for (const [value, at] of [
    [file.length, 2],
    [0, 6],
    [54 + palette, 10],
    [40, 14],
    [width, 18],
    [height, 22],
    [1 | (bits << 16), 26],
    [0, 30],
    [0, 46],
  ] as const) {
    file.writeUInt32LE(value, at);
  }
  return new Uint8Array(file);
}

function npy(kind: string, shape: number[], values: ArrayBufferView): Uint8Array {
  const text = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from(`\x93NUMPY\x01\x00..${header}`, 'latin1');
  head.writeUInt16LE(header.length, 8);
  return new Uint8Array(Buffer.concat([head, Buffer.from(values.buffer as ArrayBuffer)]));
}

function zip(...names: string[]): Uint8Array {
  return zipSync(Object.fromEntries(names.map((name) => [name, new Uint8Array(200).fill(9)])));
}
