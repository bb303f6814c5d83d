/**
 * `filename="a.png"` as ComfyUI writes it, with RFC 6266's `filename*` where the name is not plain ASCII. A header
 * cannot be broken out of: quotes, backslashes and control characters are replaced.
 */
export function contentDisposition(filename: string, { download = false } = {}): string {
  const plain = filename.replaceAll(/[^ -~]|["\\]/g, "_");
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const extended = plain === filename ? "" : `; filename*=UTF-8''${encoded}`;
  return `${download ? "attachment; " : ""}filename="${plain}"${extended}`;
}
