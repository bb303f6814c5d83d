import { type OutputFile, type Outputs, outputFileSchema } from "./prompt.ts";

/** A file among a job's outputs: which node shows it, and under what name (`images`, `gifs`, `audio`, ...). */
export interface ShownFile {
  readonly nodeId: string;
  readonly kind: string;
  readonly file: OutputFile;
}

/** All files that a job's outputs name, in the order of the nodes. Texts and other values are left out. */
export function outputFilesOf(outputs: Outputs): ShownFile[] {
  return Object.entries(outputs).flatMap(([nodeId, output]) =>
    Object.entries(output).flatMap(([kind, values]) =>
      (Array.isArray(values) ? values : []).flatMap((value: unknown) => {
        const file = outputFileSchema.safeParse(value).data;
        return file === undefined ? [] : [{ nodeId, kind, file }];
      }),
    ),
  );
}
