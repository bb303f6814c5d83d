import * as z from "zod";
import type { Http } from "./http/http.ts";

export interface UploadOptions {
  /** @default the file's own name, else "upload.png" */
  readonly filename?: string;
  readonly subfolder?: string;
  /** Replace a file of that name; without it a free name is found. @default false */
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

const uploadedSchema = z.object({ name: z.string(), subfolder: z.string(), type: z.string() });

export interface UploadedFile extends z.infer<typeof uploadedSchema> {
  /** What an input of LoadImage takes: the name with its subfolder. */
  readonly value: string;
}

/** Sends a picture to the input folder, under the name that the gateway answers with. */
export async function uploadImage(
  http: Http,
  file: Blob,
  { filename, subfolder, overwrite = false, signal }: UploadOptions = {},
): Promise<UploadedFile> {
  const body = new FormData();
  body.set("image", file, filename ?? nameOf(file));
  body.set("type", "input");
  if (subfolder !== undefined) body.set("subfolder", subfolder);
  if (overwrite) body.set("overwrite", "true");
  const uploaded = await http.json("/upload/image", {
    method: "POST",
    body,
    signal,
    schema: uploadedSchema,
  });
  const { name } = uploaded;
  return {
    ...uploaded,
    value: uploaded.subfolder === "" ? name : `${uploaded.subfolder}/${name}`,
  };
}

function nameOf(file: Blob): string {
  return file instanceof File && file.name !== "" ? file.name : "upload.png";
}
