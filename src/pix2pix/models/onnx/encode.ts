import type { GeneratorKind, PictureGenerator } from '../registry/kind.ts';
import { OnnxGraph, type Value } from './graph.ts';

/** Names of the file's only input and output. */
export const INPUT = 'condition';
export const OUTPUT = 'picture';

/**
 * Encodes a generator in evaluation mode as an ONNX file, in pieces: `condition` (batch, in, height, width) → `picture`
 * (batch, out, height, width), both with values in [0, 1]. Batch, height and width are dynamic. At run time the file
 * refuses sides that are not multiples of the generator's unit, because some would give a picture of another size.
 * @param kind the generator's row of `GENERATORS`
 * @param values of the generator's tensors, by the names of its state dict
 * @param metadata goes into the model's metadata_props, beside a description of input and output
 * @throws PixtapeError if the weights exceed the 2 GiB that the format can hold
 */
export function encodeOnnx(
  kind: GeneratorKind,
  generator: PictureGenerator,
  values: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const { config, range, unit } = generator;
  const { inChannels, outChannels } = config;
  const graph = new OnnxGraph(generator, values);
  const network = (x: Value) => kind.graph(graph, generator, x);
  const sides = `sides are multiples of ${unit}`;
  const condition = ofMultiples(graph, unit, sides);
  const picture = range === 'symmetric' ? shifted(graph, condition, network) : network(condition);
  graph.name(OUTPUT, picture);
  return graph.encode(
    { name: INPUT, shape: ['batch', inChannels, 'height', 'width'] },
    { name: OUTPUT, shape: ['batch', outChannels, 'height', 'width'] },
    'Paints a picture from a condition. Written by pixtape.',
    {
      ...metadata,
      [INPUT]: `float32 (batch, ${inChannels}, height, width), values from 0 to 1, channels red, green, blue; ${sides}`,
      [OUTPUT]: `float32 (batch, ${outChannels}, height, width), values from 0 to 1`,
      ...(range === 'symmetric' ? { range: 'the network works on values from -1 to 1; this file converts them' } : {}),
    },
  );
}

/**
 * Returns the input unchanged. ONNX has no assertion. So if a side leaves a remainder, this reshapes to a shape that is
 * larger by it, which fails. The node's label says why.
 */
function ofMultiples(graph: OnnxGraph, unit: number, label: string): Value {
  const shape = graph.node('Shape', [INPUT]);
  const remainder = graph.node('Mod', [shape, graph.ints('unit', [1, 1, unit, unit])]);
  return graph.node('Reshape', [INPUT, graph.node('Add', [shape, remainder])], {}, label);
}

/** Wraps a network with values from −1 to 1: 2x − 1 before it, (y + 1) / 2 after it. */
function shifted(graph: OnnxGraph, input: Value, network: (x: Value) => Value): Value {
  const [half, one, two] = [graph.float('half', 0.5), graph.float('one', 1), graph.float('two', 2)];
  const x = graph.node('Sub', [graph.node('Mul', [input, two]), one]);
  return graph.node('Mul', [graph.node('Add', [network(x), one]), half]);
}
