/** Protocol Buffers' wire format, as much of it as ONNX models need: https://protobuf.dev/programming-guides/encoding */

/** Writes the fields of one message, in the order of the calls; a repeated field is written once for each value. */
export interface MessageFields {
  int(field: number, value: number): void;
  float(field: number, value: number): void;
  text(field: number, value: string): void;
  bytes(field: number, value: Uint8Array): void;
  message(field: number, write: (fields: MessageFields) => void): void;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;
/** Ten groups of seven bits hold 64 bits. */
const LONGEST_VARINT = 10;

export function encodeMessage(write: (fields: MessageFields) => void): Uint8Array {
  let buffer = Buffer.allocUnsafe(256);
  let length = 0;

  function reserve(bytes: number): void {
    if (length + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes));
    buffer.copy(grown, 0, 0, length);
    buffer = grown;
  }

  /** Seven bits a byte, lowest first; negative numbers as the 64 bits of their two's complement. */
  function varint(value: number): void {
    reserve(LONGEST_VARINT);
    let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : value;
    if (typeof rest === "bigint") {
      for (; rest > 127n; rest >>= 7n)
        length = buffer.writeUInt8(Number(rest & 127n) | 128, length);
    } else {
      for (; rest > 127; rest = Math.floor(rest / 128))
        length = buffer.writeUInt8((rest % 128) | 128, length);
    }
    length = buffer.writeUInt8(Number(rest), length);
  }

  const tag = (field: number, wireType: number) => varint((field << 3) | wireType);

  const fields: MessageFields = {
    int(field, value) {
      tag(field, VARINT);
      varint(value);
    },
    float(field, value) {
      tag(field, FIXED_32);
      reserve(4);
      length = buffer.writeFloatLE(value, length);
    },
    text: (field, value) => fields.bytes(field, Buffer.from(value)),
    bytes(field, value) {
      tag(field, LENGTH_DELIMITED);
      varint(value.length);
      reserve(value.length);
      buffer.set(value, length);
      length += value.length;
    },
    message: (field, writeInner) => fields.bytes(field, encodeMessage(writeInner)),
  };

  write(fields);
  return buffer.subarray(0, length);
}
