import { BatchNorm2d, type Conv2d, type ConvTranspose2d } from '../../../engine/nn/layers.ts';
import type { Norm } from '../../../engine/nn/norm.ts';
import { type Pair, pairOf } from '../../../engine/ops/pair.ts';
import type { OnnxGraph, Value } from './graph.ts';

/** Encodes layers of src/engine/nn as ONNX nodes, in evaluation mode. Dropout then does nothing, and has no node. */

const both = (n: Pair): number[] => [...pairOf(n)];
const around = (n: Pair): number[] => [...both(n), ...both(n)];

/** Attributes of both kinds of convolution. */
function convAttributes({ weight, options }: Conv2d | ConvTranspose2d) {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return {
    kernel_shape: weight.shape.slice(2),
    strides: both(stride),
    pads: around(padding),
    ...(dilation === 1 ? {} : { dilations: both(dilation) }),
    ...(groups === 1 ? {} : { group: groups }),
  };
}

/** Includes the leaky ReLU of its options, if it has one. */
export function conv(graph: OnnxGraph, layer: Conv2d, x: Value): Value {
  const { weight, bias, options } = layer;
  const { slope } = options;
  const inputs = [x, graph.weight(weight), ...(bias ? [graph.weight(bias)] : [])];
  const y = graph.node('Conv', inputs, convAttributes(layer));
  return slope === undefined ? y : leakyRelu(graph, y, slope);
}

export function convTranspose(graph: OnnxGraph, layer: ConvTranspose2d, x: Value): Value {
  const { weight, bias, options } = layer;
  const inputs = [x, graph.weight(weight), ...(bias ? [graph.weight(bias)] : [])];
  const output_padding = both(options.outputPadding ?? 0);
  return graph.node('ConvTranspose', inputs, { ...convAttributes(layer), output_padding });
}

/** Uses the running statistics, or each picture's own if the layer is set to use them. */
export function batchNorm(graph: OnnxGraph, norm: BatchNorm2d, x: Value): Value {
  const { weight, bias, runningMean, runningVar, perPicture } = norm;
  if (perPicture) return instanceNorm(graph, x, graph.weight(weight), graph.weight(bias));
  const inputs = [x, ...[weight, bias, runningMean, runningVar].map((tensor) => graph.weight(tensor))];
  return graph.node('BatchNormalization', inputs, { epsilon: { float: 1e-5 } });
}

/** @param channels of x */
export function norm(graph: OnnxGraph, layer: Norm, x: Value, channels = 0): Value {
  if (layer instanceof BatchNorm2d) return batchNorm(graph, layer, x);
  const filled = (value: number) => graph.floats(`${channels} times ${value}`, new Array(channels).fill(value));
  const weight = layer.weight ? graph.weight(layer.weight) : filled(1);
  const bias = layer.bias ? graph.weight(layer.bias) : filled(0);
  return instanceNorm(graph, x, weight, bias);
}

function instanceNorm(graph: OnnxGraph, x: Value, weight: Value, bias: Value): Value {
  return graph.node('InstanceNormalization', [x, weight, bias], { epsilon: { float: 1e-5 } });
}

/** A slope of 0 is plain ReLU. */
export function leakyRelu(graph: OnnxGraph, x: Value, slope: number): Value {
  if (slope === 0) return relu(graph, x);
  return graph.node('LeakyRelu', [x], { alpha: { float: slope } });
}

export function relu(graph: OnnxGraph, x: Value): Value {
  return graph.node('Relu', [x]);
}

/** Along the channels. */
export function concat(graph: OnnxGraph, xs: readonly Value[]): Value {
  return graph.node('Concat', xs, { axis: 1 });
}
