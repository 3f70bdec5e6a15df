import type { Norm } from '../../../engine/nn/norm.ts';
import type { ResnetBlock, ResnetGenerator } from '../generators/resnet.ts';
import type { OnnxGraph, Value } from './graph.ts';
import { conv, convTranspose, norm as normNode, relu } from './layers.ts';

/** CycleGAN's generator, as in `ResnetGenerator.forward`: values from −1 to 1. */
export function resnetGraph(graph: OnnxGraph, generator: ResnetGenerator, condition: Value): Value {
  const { first, down, blocks, up, last } = generator.parts;
  let x = finish(graph, first.norm, conv(graph, first.conv, reflect(graph, condition, 3)), first.conv.weight.shape[0]);
  for (const stage of down) x = finish(graph, stage.norm, conv(graph, stage.conv, x), stage.conv.weight.shape[0]);
  for (const part of blocks) x = graph.node('Add', [x, block(graph, part, x)]);
  for (const stage of up)
    x = finish(graph, stage.norm, convTranspose(graph, stage.conv, x), stage.conv.weight.shape[1]);
  return graph.node('Tanh', [conv(graph, last, reflect(graph, x, 3))]);
}

function block(graph: OnnxGraph, part: ResnetBlock, x: Value): Value {
  const { conv1, norm1, conv2, norm2 } = part.parts;
  const channels = conv1.weight.shape[0];
  const y = finish(graph, norm1, conv(graph, conv1, reflect(graph, x, 1)), channels);
  const z = conv(graph, conv2, reflect(graph, y, 1));
  return norm2 ? normNode(graph, norm2, z, channels) : z;
}

function finish(graph: OnnxGraph, norm: Norm | undefined, x: Value, channels = 0): Value {
  return relu(graph, norm ? normNode(graph, norm, x, channels) : x);
}

/** Rows and columns reflected over each edge. */
function reflect(graph: OnnxGraph, x: Value, n: number): Value {
  return graph.node('Pad', [x, graph.ints(`reflect ${n}`, [0, 0, n, n, 0, 0, n, n])], { mode: 'reflect' });
}
