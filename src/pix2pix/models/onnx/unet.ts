import { SLOPE, type UnetBlock, type UnetGenerator } from '../generators/unet.ts';
import type { OnnxGraph, Value } from './graph.ts';
import { concat, conv, convTranspose, leakyRelu, norm, relu } from './layers.ts';

/** The paper's U-Net, or its encoder–decoder, as in `UnetGenerator.forward`: values from −1 to 1. */
export function unetGraph(graph: OnnxGraph, { model }: UnetGenerator, condition: Value): Value {
  return level(graph, model, condition);
}

function level(graph: OnnxGraph, block: UnetBlock, x: Value): Value {
  const up = convTranspose(graph, block.upConv, inside(graph, block, conv(graph, block.downConv, x)));
  if (block.outermost) return graph.node('Tanh', [up]);
  const normed = block.upNorm ? norm(graph, block.upNorm, up, block.upConv.weight.shape[1]) : up;
  return block.skips ? concat(graph, [x, normed]) : normed;
}

function inside(graph: OnnxGraph, { downConv, downNorm, below }: UnetBlock, x: Value): Value {
  if (!below) return x;
  const y = downNorm ? leakyRelu(graph, norm(graph, downNorm, x, downConv.weight.shape[0]), SLOPE) : x;
  return relu(graph, level(graph, below, y));
}
