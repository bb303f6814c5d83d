/**
 * First bytes of the kinds of pictures that are read: PNG, JPEG, GIF, WebP, TIFF, AVIF and its relatives, BMP. Other kinds that
 * an image library may know (SVG, which can name files; PDF) are not pictures here, whatever a file is called.
 */
const SIGNATURES: readonly (readonly [at: number, bytes: readonly number[]])[] = [
  [0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  [0, [0xff, 0xd8, 0xff]],
  [0, [0x47, 0x49, 0x46, 0x38]],
  [8, [0x57, 0x45, 0x42, 0x50]],
  [0, [0x49, 0x49, 0x2a, 0x00]],
  [0, [0x4d, 0x4d, 0x00, 0x2a]],
  [4, [0x66, 0x74, 0x79, 0x70]],
  [0, [0x42, 0x4d]],
];

/** Bytes that `isPicture` looks at. */
export const SIGNATURE_BYTES = 12;

/** Whether a file that begins so is a picture. */
export function isPicture(start: Uint8Array): boolean {
  return SIGNATURES.some(([at, bytes]) => bytes.every((byte, i) => start[at + i] === byte));
}
