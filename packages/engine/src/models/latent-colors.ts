import * as z from "zod";
import type { LatentFormat } from "./model.ts";
import { invalidModel, type Weights } from "./weights.ts";

const KEY = "rabbitloom.latent_rgb";
const color = z.tuple([z.number(), z.number(), z.number()]);

/**
 * A family's published preview colours fit the VAE that its files share. A file with a VAE of its own says its colours
 * in the metadata: one row [r,g,b] for each latent channel, then the bias.
 */
export function withOwnColors(format: LatentFormat, file: Weights): LatentFormat {
  const text = file.metadata.get(KEY);
  if (text === undefined) return format;
  const rows = z
    .array(color)
    .length(format.channels + 1)
    .safeParse(parseJson(text));
  const rgbBias = rows.data?.at(-1);
  if (rows.data === undefined || rgbBias === undefined) {
    throw invalidModel(
      file.name,
      `its metadata's ${KEY} wants ${format.channels + 1} rows of 3 numbers, got ${text.slice(0, 100)}`,
    );
  }
  return { ...format, rgbFactors: rows.data.slice(0, -1), rgbBias };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
