import { stringifyJson } from "@rabbitloom/workflow";
import { entryPixels } from "../../image/pixels.ts";
import { encodePng } from "../../image/png/encode.ts";
import type { Tensor } from "../../tensor.ts";
import type { FolderType } from "../context.ts";
import type { SubmittedGraph } from "./node-value.ts";
import { type OutputFolder, type SavedFile, saveFiles } from "./output-files.ts";

export type PictureRequest = SubmittedGraph & {
  /** [B,H,W,C] */
  readonly images: Tensor;
  readonly type: FolderType;
  readonly prefix: string;
  readonly level: number;
};

/** Saves a batch as PNG files that carry the prompt and the workflow. */
export async function savePictures(
  folder: OutputFolder,
  request: PictureRequest,
): Promise<SavedFile[]> {
  const { images, type, prefix, level, prompt, extraPngInfo } = request;
  const [, height = 0, width = 0] = images.shape;
  const text = graphText(request);
  return saveFiles(folder, {
    type,
    prefix,
    extension: ".png",
    facts: { width, height, ...(prompt ? { prompt } : {}), extraPngInfo: extraPngInfo ?? null },
    count: images.shape[0] ?? 0,
    content: (index) => encodePng(entryPixels(images, index), { level, text }),
  });
}

/** `prompt`, and each key of extra_pnginfo, as JSON: what editors read back from a file. */
export function graphText({ prompt, extraPngInfo }: SubmittedGraph): Record<string, string> {
  const text: Record<string, string> = {};
  if (prompt) text.prompt = stringifyJson(prompt, { form: "python" });
  for (const [key, value] of Object.entries(extraPngInfo ?? {})) {
    text[key] = stringifyJson(value, { form: "python" });
  }
  return text;
}
