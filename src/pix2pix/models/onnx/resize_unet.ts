import type { ConvStage, ResizeUnetGenerator } from '../generators/resize_unet.ts';
import type { OnnxGraph, Value } from './graph.ts';
import { concat, conv, leakyRelu, norm } from './layers.ts';

/** The resize U-Net, as in `ResizeUnetGenerator.forward`: values from −1 to 1. */
export function resizeUnetGraph(graph: OnnxGraph, generator: ResizeUnetGenerator, condition: Value): Value {
  const { down, up, full, last } = generator;
  const skips = [condition];
  let x = condition;
  for (const part of down) {
    x = stage(graph, part, x);
    skips.push(x);
  }
  for (let level = up.length - 1; level >= 0; level--) {
    const twice = graph.floats('twice', [1, 1, 2, 2]);
    const larger = graph.node('Resize', [stage(graph, up[level] as ConvStage, x), '', twice], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    });
    x = concat(graph, [larger, skips[level] as Value]);
  }
  return graph.node('Tanh', [conv(graph, last, stage(graph, full, x))]);
}

/** Without a norm, the convolution includes the leaky ReLU. */
function stage(graph: OnnxGraph, part: ConvStage, x: Value): Value {
  const y = conv(graph, part.conv, x);
  return part.norm ? leakyRelu(graph, norm(graph, part.norm, y, part.conv.weight.shape[0]), part.slope) : y;
}
