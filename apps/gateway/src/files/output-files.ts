import { type OutputFile, type Outputs, outputFilesOf } from "@rabbitloom/protocol";
import { mediaType } from "./media-type.ts";

/** Every file that a job's outputs name, saved ones before temporary ones, else in the order of the outputs. */
export function outputFiles(outputs: Outputs): OutputFile[] {
  const files = outputFilesOf(outputs)
    .map(({ file }) => file)
    .filter(hasName);
  return [
    ...files.filter(({ type }) => type === "output"),
    ...files.filter(({ type }) => type !== "output"),
  ];
}

export function isImage({ filename }: OutputFile): boolean {
  return mediaType(filename).startsWith("image/");
}

/** No URL and no header can carry half a surrogate pair, and no file system has such a name. */
function hasName({ filename, subfolder }: OutputFile): boolean {
  return !/\p{Cs}/u.test(filename + subfolder);
}

/** Where `/view` answers with the file. */
export function viewUrl(base: string, { filename, subfolder, type }: OutputFile): string {
  const query = new URLSearchParams({ filename, type, ...(subfolder !== "" && { subfolder }) });
  return `${base}/view?${query}`;
}
