import { stat } from "node:fs/promises";
import {
  type JobView,
  type OutputFile,
  type Outputs,
  outputFileSchema,
} from "@rabbitloom/protocol";
import { existingFile, type Folders } from "../files/folders.ts";
import { mediaType } from "../files/media-type.ts";
import { notFound } from "./errors.ts";
import type { V2Output } from "./schemas.ts";

/** One thing a node has shown: a file in a folder, or a text that stands in the job's record. */
export interface ShownOutput {
  readonly id: string;
  readonly nodeId: string;
  readonly name: string;
  readonly type: V2Output["type"];
  readonly contentType: string;
  readonly source: { readonly file: OutputFile } | { readonly text: string };
}

const kinds: Readonly<Partial<Record<string, V2Output["type"]>>> = {
  images: "image",
  gifs: "video",
  video: "video",
  audio: "audio",
  text: "text",
  latents: "latent",
};

/** Everything that a job's outputs show, in their order. */
export function shownOutputs(jobId: string, outputs: Outputs): ShownOutput[] {
  return Object.entries(outputs).flatMap(([nodeId, output]) =>
    Object.entries(output).flatMap(([key, shown]) =>
      (Array.isArray(shown) ? shown : []).flatMap((item: unknown, index): ShownOutput[] => {
        const place = { id: outputId(jobId, [nodeId, key, index]), nodeId };
        const file = outputFileSchema.safeParse(item);
        if (file.success) {
          const { filename } = file.data;
          const contentType = mediaType(filename);
          const type = kindOf(key, contentType);
          return [{ ...place, name: filename, type, contentType, source: { file: file.data } }];
        }
        if (key !== "text" || typeof item !== "string") return [];
        const [name, contentType] = [`${nodeId}_${index}.txt`, "text/plain; charset=utf-8"];
        return [{ ...place, name, type: "text", contentType, source: { text: item } }];
      }),
    ),
  );
}

/** What a file is decides; ComfyUI puts animations and videos under `images` too. */
function kindOf(key: string, contentType: string): V2Output["type"] {
  const [family] = contentType.split("/");
  if (family === "image" || family === "video" || family === "audio") return family;
  const kind = kinds[key] ?? "file";
  return kind === "image" || kind === "video" || kind === "audio" ? "file" : kind;
}

type Place = readonly [nodeId: string, key: string, index: number];

/** Job ids have no `~`. Jobs differ, so their outputs' ids do, whatever the files are called. */
function outputId(jobId: string, place: Place): string {
  return `${jobId}~${Buffer.from(JSON.stringify(place)).toString("base64url")}`;
}

export function jobOfOutput(id: string): string | undefined {
  const [jobId, place] = id.split("~");
  return place === undefined ? undefined : jobId;
}

export function findOutput(job: JobView, id: string): ShownOutput {
  const found = shownOutputs(job.id, job.outputs ?? {}).find((output) => output.id === id);
  if (found === undefined) throw notFound("asset", id);
  return found;
}

/** 0 for a file that is gone from its folder. */
export async function outputSize(folders: Folders, { source }: ShownOutput): Promise<number> {
  if ("text" in source) return Buffer.byteLength(source.text);
  const path = await outputPath(folders, source.file);
  return path === undefined ? 0 : (await stat(path)).size;
}

export function outputPath(
  folders: Folders,
  { type, subfolder, filename }: OutputFile,
): Promise<string | undefined> {
  return existingFile(folders[type], subfolder, filename);
}
