import type { OutputFile, Outputs } from "@rabbitloom/protocol";
import { mediaType } from "../files/media-type.ts";
import { isImage, outputFiles } from "../files/output-files.ts";
import { bestType } from "../http/accept.ts";

/** What a waiting client can ask for; the first is for those who do not mind. */
export const answerTypes = [
  "application/json",
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/apng",
  "image/avif",
  "image/bmp",
  "image/tiff",
  "image/svg+xml",
  "video/mp4",
  "video/webm",
  "video/quicktime",
  "video/x-matroska",
  "audio/mpeg",
  "audio/wav",
  "audio/flac",
  "audio/ogg",
  "audio/opus",
  "audio/mp4",
  "text/plain",
  "application/octet-stream",
] as const;

export type ChosenAnswer =
  | { readonly form: "nothing" }
  /** All there is. */
  | { readonly form: "json" }
  | { readonly form: "text"; readonly text: string }
  | { readonly form: "file"; readonly file: OutputFile; readonly type: string };

/**
 * What of a job's outputs fits an `Accept` header best; of several files of one type the first saved one. Where
 * nothing fits, a client that wants pictures gets the first picture, whatever its format, and any other the first file.
 */
export function chooseAnswer(outputs: Outputs, accept: string | undefined): ChosenAnswer {
  if (Object.keys(outputs).length === 0) return { form: "nothing" };
  const files = outputFiles(outputs);
  const text = shownText(outputs);
  const types = [
    "application/json",
    ...files.flatMap(typesOf),
    ...(text === "" ? [] : ["text/plain"]),
  ];
  const type = bestType(accept, types);
  if (type === "application/json") return { form: "json" };
  const fitting = files.find((file) => type !== undefined && typesOf(file).includes(type));
  if (fitting !== undefined && type !== undefined) return { form: "file", file: fitting, type };
  if (type === "text/plain") return { form: "text", text };
  const wantsPicture = bestType(accept, answerTypes)?.startsWith("image/") ?? false;
  const file = wantsPicture ? files.find(isImage) : files[0];
  return file === undefined
    ? { form: "json" }
    : { form: "file", file, type: mediaType(file.filename) };
}

/** An animated PNG is a PNG by name; whoever asks for one gets it as such. */
function typesOf({ filename }: OutputFile): string[] {
  const type = mediaType(filename);
  return type === "image/png" ? [type, "image/apng"] : [type];
}

/** What nodes show under `text`: one line each. */
function shownText(outputs: Outputs): string {
  return Object.values(outputs)
    .flatMap(({ text }) => (Array.isArray(text) ? text : []))
    .filter((shown) => typeof shown === "string")
    .join("\n");
}
