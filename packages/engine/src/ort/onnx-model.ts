/** ONNX's messages, as much of them as the engine's graphs use. Field numbers: onnx/onnx.proto3 of onnx 1.16. */
import { encodeMessage, type MessageFields } from "./protobuf.ts";

export interface OnnxModel {
  /** Version of each operator set by domain; "" is ONNX's own. */
  readonly operatorSets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxSocket[];
  readonly outputs: readonly OnnxSocket[];
}

export interface OnnxNode {
  readonly operator: string;
  readonly domain: string;
  /** An input that is left out is "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
}

/** Whole numbers are INT, `{ float }` is FLOAT, text is STRING, lists are INTS. */
export type OnnxAttributes = Readonly<
  Record<string, number | string | readonly number[] | { readonly float: number }>
>;

export interface OnnxInitializer {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** The bytes themselves, or where they are; locations are relative to a folder the session knows. */
  readonly data: Uint8Array | ExternalBytes;
}

export interface ExternalBytes {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface OnnxSocket {
  readonly name: string;
  readonly type: ElementType;
  /** A size that differs from run to run is a name. */
  readonly shape: readonly (number | string)[];
}

/** TensorProto.DataType */
export const elementTypes = {
  F32: 1,
  U8: 2,
  I8: 3,
  U16: 4,
  I16: 5,
  I32: 6,
  I64: 7,
  BOOL: 9,
  F16: 10,
  F64: 11,
  U32: 12,
  U64: 13,
  BF16: 16,
  F8_E4M3: 17,
  F8_E5M2: 19,
} as const;
export type ElementType = keyof typeof elementTypes;

const IR_VERSION = 10;
const EXTERNAL = 1;
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 } as const;

export function encodeModel(model: OnnxModel): Uint8Array {
  return encodeMessage((fields) => {
    fields.int(1, IR_VERSION);
    fields.text(2, "rabbitloom");
    fields.message(7, (graph) => {
      for (const node of model.nodes) graph.message(1, (inner) => writeNode(inner, node));
      graph.text(2, "network");
      for (const tensor of model.initializers) {
        graph.message(5, (inner) => writeInitializer(inner, tensor));
      }
      for (const socket of model.inputs) graph.message(11, (inner) => writeSocket(inner, socket));
      for (const socket of model.outputs) graph.message(12, (inner) => writeSocket(inner, socket));
    });
    for (const [domain, version] of Object.entries(model.operatorSets)) {
      fields.message(8, (set) => {
        set.text(1, domain);
        set.int(2, version);
      });
    }
  });
}

function writeNode(fields: MessageFields, node: OnnxNode): void {
  for (const name of node.inputs) fields.text(1, name);
  for (const name of node.outputs) fields.text(2, name);
  fields.text(3, node.outputs[0] ?? node.operator);
  fields.text(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    fields.message(5, (attribute) => writeAttribute(attribute, name, value));
  }
  fields.text(7, node.domain);
}

function writeAttribute(fields: MessageFields, name: string, value: OnnxAttributes[string]): void {
  fields.text(1, name);
  if (typeof value === "number") {
    fields.int(3, value);
    fields.int(20, ATTRIBUTE_TYPES.int);
  } else if (typeof value === "string") {
    fields.text(4, value);
    fields.int(20, ATTRIBUTE_TYPES.string);
  } else if ("float" in value) {
    fields.float(2, value.float);
    fields.int(20, ATTRIBUTE_TYPES.float);
  } else {
    for (const entry of value) fields.int(8, entry);
    fields.int(20, ATTRIBUTE_TYPES.ints);
  }
}

function writeInitializer(fields: MessageFields, tensor: OnnxInitializer): void {
  for (const size of tensor.shape) fields.int(1, size);
  fields.int(2, elementTypes[tensor.type]);
  fields.text(8, tensor.name);
  if (tensor.data instanceof Uint8Array) {
    fields.bytes(9, tensor.data);
    return;
  }
  for (const [key, value] of Object.entries(tensor.data)) {
    fields.message(13, (entry) => {
      entry.text(1, key);
      entry.text(2, String(value));
    });
  }
  fields.int(14, EXTERNAL);
}

function writeSocket(fields: MessageFields, socket: OnnxSocket): void {
  fields.text(1, socket.name);
  fields.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, elementTypes[socket.type]);
      tensor.message(2, (shape) => {
        for (const size of socket.shape) {
          shape.message(1, (dimension) => {
            if (typeof size === "number") dimension.int(1, size);
            else dimension.text(2, size);
          });
        }
      });
    }),
  );
}
