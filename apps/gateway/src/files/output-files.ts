import { type OutputFile, type Outputs, outputFileSchema } from "@rabbitloom/protocol";
import { mediaType } from "./media-type.ts";

/** Every file that a job's outputs name, saved ones before temporary ones, else in the order of the outputs. */
export function outputFiles(outputs: Outputs): OutputFile[] {
  const files = Object.values(outputs).flatMap((output) =>
    Object.values(output).flatMap((shown) => (Array.isArray(shown) ? shown.flatMap(readFile) : [])),
  );
  return [
    ...files.filter(({ type }) => type === "output"),
    ...files.filter(({ type }) => type !== "output"),
  ];
}

export function isImage({ filename }: OutputFile): boolean {
  return mediaType(filename).startsWith("image/");
}

function readFile(shown: unknown): OutputFile[] {
  const parsed = outputFileSchema.safeParse(shown);
  if (!parsed.success) return [];
  // No URL and no header can carry half a surrogate pair, and no file system has such a name.
  const isName = !/\p{Cs}/u.test(parsed.data.filename + parsed.data.subfolder);
  return isName ? [parsed.data] : [];
}

/** Where `/view` answers with the file. */
export function viewUrl(base: string, { filename, subfolder, type }: OutputFile): string {
  const query = new URLSearchParams({ filename, type, ...(subfolder !== "" && { subfolder }) });
  return `${base}/view?${query}`;
}
