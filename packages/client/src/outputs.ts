import { type OutputFile, type Outputs, outputFilesOf } from "@rabbitloom/protocol";
import type { Http } from "./http/http.ts";

/** A file that a job wrote, with where to get it. */
export interface JobOutput {
  /** The output node that wrote it. */
  readonly nodeId: string;
  /** What the node calls it: `images`, `gifs`, `audio`, ... */
  readonly kind: string;
  readonly file: OutputFile;
  readonly url: string;
  bytes(options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
}

/** All files among a job's outputs, in the order of the nodes. Texts and other values are left out. */
export function filesOf(http: Http, outputs: Outputs): readonly JobOutput[] {
  return outputFilesOf(outputs).map(({ nodeId, kind, file }) =>
    outputFile(http, nodeId, kind, file),
  );
}

function outputFile(http: Http, nodeId: string, kind: string, file: OutputFile): JobOutput {
  const query = { filename: file.filename, subfolder: file.subfolder, type: file.type };
  return {
    nodeId,
    kind,
    file,
    url: http.url("/view", query).href,
    async bytes({ signal } = {}) {
      const response = await http.send("/view", { query, headers: { accept: "*/*" }, signal });
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
