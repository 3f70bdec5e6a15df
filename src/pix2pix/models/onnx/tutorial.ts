import type { BatchNorm2d } from '../../../engine/nn/layers.ts';
import type { DownSampleConv, Generator, UpSampleConv } from '../generators/tutorial.ts';
import type { OnnxGraph, Value } from './graph.ts';
import { batchNorm, concat, conv, relu } from './layers.ts';

/** The tutorial's generator, as in `Generator.forward`. */
export function tutorialGraph(graph: OnnxGraph, generator: Generator, condition: Value): Value {
  const { conv1, contractingLayers: down, expandingLayers: up, convFinal } = generator;
  let x = conv(graph, conv1, condition);
  const skips = [x];
  for (const layer of down) {
    x = contract(graph, layer, x);
    skips.push(x);
  }
  for (let i = up.length - 1; i >= 0; i--) x = expand(graph, up[i] as UpSampleConv, x, skips[i] as Value);
  return graph.node('Sigmoid', [conv(graph, convFinal, x)]);
}

function contract(graph: OnnxGraph, { convBlock1, convBlock2 }: DownSampleConv, x: Value): Value {
  const y = conv(graph, convBlock2.conv1, conv(graph, convBlock1.conv1, x));
  return graph.node('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] });
}

function expand(graph: OnnxGraph, layer: UpSampleConv, x: Value, skip: Value): Value {
  const finish = (norm: BatchNorm2d, y: Value) => relu(graph, batchNorm(graph, norm, y));
  const larger = graph.node('Resize', [x, '', graph.floats('twice', [1, 1, 2, 2])], {
    mode: 'linear',
    coordinate_transformation_mode: 'align_corners',
  });
  // The skip always has one row and one column more. Its centre, rounded to even, begins at the first.
  const ends = graph.ints('all_but_last', [-1, -1]);
  const cropped = graph.node('Slice', [
    skip,
    graph.ints('first', [0, 0]),
    ends,
    graph.ints('rows_and_columns', [2, 3]),
  ]);
  const joined = concat(graph, [conv(graph, layer.conv1, larger), cropped]);
  const halfway = finish(layer.batchnorm, conv(graph, layer.conv2, joined));
  return finish(layer.batchnorm2 ?? layer.batchnorm, conv(graph, layer.conv3, halfway));
}
