/** 0..1 floats to bytes: trunc(clip(255 * v)), the product rounded to f32 first, so that k/255 gives k. */
export function floatsToBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const scaled = Math.fround(values[i]! * 255);
    bytes[i] = scaled > 255 ? 255 : Math.max(scaled, 0);
  }
  return bytes;
}

export function bytesToFloats(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = BYTE_AS_FLOAT[bytes[i]!]!;
  return values;
}

const BYTE_AS_FLOAT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);
