import type { Module } from '../../../engine/nn/module.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { Message } from './protobuf.ts';

/** Field numbers and constants below are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */
const IR_VERSION = 7;
/** From 2020: all runtimes in use support it, and it has everything that the generators need. */
export const OPSET = 13;
const FLOAT = 1;
const INT64 = 7;
/** The largest protobuf message: readers count its bytes in an int32. */
const LARGEST = 2 ** 31 - 1;

/** An integer, several integers, a string, or a float, which ONNX distinguishes and JavaScript does not. */
export type Attribute = number | readonly number[] | string | { float: number };

/** The name of a value of the graph. */
export type Value = string;

/** A dimension of a shape: a number, or a name if it is dynamic. */
export type Side = number | string;

export interface Port {
  name: string;
  shape: readonly Side[];
}

/** Builds an ONNX model from nodes and weights. Each node has one output. */
export class OnnxGraph {
  private readonly nodes: Message[] = [];
  private readonly constants = new Map<string, Message>();
  private readonly weights = new Map<Tensor, { name: string; data: Float32Array }>();
  private bytes = 0;

  /**
   * @param network the module whose tensors the graph may use
   * @param values of those tensors, by the names of its state dict
   */
  constructor(network: Module, values: ReadonlyMap<string, Float32Array>) {
    for (const { name, tensor, kind } of network.stateEntries()) {
      if (kind === 'counter') continue;
      const data = values.get(name);
      if (data?.length !== tensor.size) throw new Error(`${name} has ${data?.length} values, not ${tensor.size}`);
      this.weights.set(tensor, { name, data });
    }
  }

  /** @param label the node's name in a runtime's error */
  node(
    op: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
    label?: string,
  ): Value {
    const output = `${op}_${this.nodes.length}`;
    const node = new Message();
    for (const input of inputs) node.bytes(1, input);
    node
      .bytes(2, output)
      .bytes(3, label ?? output)
      .bytes(4, op);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attributeOf(name, value));
    this.nodes.push(node);
    return output;
  }

  /** Renames a value. */
  name(name: string, value: Value): void {
    this.nodes.push(new Message().bytes(1, value).bytes(2, name).bytes(3, name).bytes(4, 'Identity'));
  }

  /** A tensor of the network, stored once however often it is used. */
  weight(tensor: Tensor): Value {
    const known = this.weights.get(tensor);
    if (!known) throw new Error(`${tensor.label} is not in the state dict of the network`);
    return this.constant(known.name, FLOAT, tensor.shape, known.data);
  }

  floats(name: string, values: readonly number[]): Value {
    return this.constant(name, FLOAT, [values.length], Float32Array.from(values));
  }

  /** A scalar, which broadcasts. */
  float(name: string, value: number): Value {
    return this.constant(name, FLOAT, [], Float32Array.of(value));
  }

  ints(name: string, values: readonly number[]): Value {
    return this.constant(name, INT64, [values.length], BigInt64Array.from(values, BigInt));
  }

  /**
   * Encodes the file as pieces to be written in order. Weights are views of the given values.
   * @param metadata goes into the model's metadata_props
   * @throws PixtapeError if it would exceed the largest protobuf message
   */
  encode(input: Port, output: Port, description: string, metadata: Readonly<Record<string, string>>): Uint8Array[] {
    if (this.bytes > LARGEST) throw tooLarge(this.bytes);
    const graph = new Message();
    for (const node of this.nodes) graph.message(1, node);
    graph.bytes(2, 'generator');
    for (const constant of this.constants.values()) graph.message(5, constant);
    graph.message(11, portOf(input)).message(12, portOf(output));
    const model = new Message().int(1, IR_VERSION).bytes(2, 'pixtape').bytes(6, description).message(7, graph);
    model.message(8, new Message().bytes(1, '').int(2, OPSET));
    for (const [key, value] of Object.entries(metadata)) model.message(14, new Message().bytes(1, key).bytes(2, value));
    if (model.length > LARGEST) throw tooLarge(model.length);
    return model.encode();
  }

  private constant(name: string, type: number, shape: readonly number[], data: Float32Array | BigInt64Array): Value {
    if (this.constants.has(name)) return name;
    this.bytes += data.byteLength;
    const tensor = new Message();
    for (const side of shape) tensor.int(1, side);
    tensor.int(2, type).bytes(8, name);
    tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.constants.set(name, tensor);
    return name;
  }
}

function attributeOf(name: string, value: Attribute): Message {
  const attribute = new Message().bytes(1, name);
  if (typeof value === 'number') return attribute.int(3, value).int(20, 2);
  if (typeof value === 'string') return attribute.bytes(4, value).int(20, 3);
  if ('float' in value) return attribute.float(2, value.float).int(20, 1);
  for (const item of value) attribute.int(8, item);
  return attribute.int(20, 7);
}

function portOf({ name, shape }: Port): Message {
  const sides = new Message();
  for (const side of shape) {
    sides.message(1, typeof side === 'number' ? new Message().int(1, side) : new Message().bytes(2, side));
  }
  const type = new Message().message(1, new Message().int(1, FLOAT).message(2, sides));
  return new Message().bytes(1, name).message(2, type);
}

function tooLarge(bytes: number): PixtapeError {
  return new PixtapeError(
    `the generator takes ${(bytes / 2 ** 30).toFixed(1)} GiB, an ONNX file holds 2 at most`,
    'Export it as safetensors, without --onnx, or train one with a smaller --ngf.',
  );
}
