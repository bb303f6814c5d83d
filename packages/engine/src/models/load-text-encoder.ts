import { CodedError } from "@rabbitloom/protocol";
import type { Runtime } from "../ort/runtime.ts";
import { findTextTower } from "./find-text.ts";
import type { TextEncoder } from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { createTextEncoder } from "./text-encoder.ts";
import type { FindEmbedding } from "./text-tower.ts";
import { unknownFile } from "./unknown-file.ts";

/** A text encoder from one or two files of its own: what they hold says which. Throws MODEL_INVALID. */
export async function loadTextEncoder(
  runtime: Runtime,
  {
    files,
    findEmbedding,
  }: { readonly files: readonly string[]; readonly findEmbedding?: FindEmbedding },
): Promise<TextEncoder> {
  const towers = await Promise.all(
    files.map(async (file) => {
      const weights = await openWeights(file);
      const tower = findTextTower(weights);
      if (tower === undefined) throw unknownFile(weights, "a CLIP text encoder");
      return tower;
    }),
  );
  const slots = towers.map(({ slot }) => slot).join();
  const family = FAMILIES.find((known) => known.slots === slots);
  if (family === undefined) {
    throw new CodedError(
      "MODEL_INVALID",
      `the files hold the text encoders ${slots}; known are ${FAMILIES.map((known) => known.slots).join("; ")}`,
    );
  }
  const ordered = family.slots === "g,l" ? towers.toReversed() : towers;
  return createTextEncoder(runtime, {
    family: family.name,
    towers: ordered.map(({ weights }) => weights),
    findEmbedding,
  });
}

const FAMILIES = [
  { slots: "l", name: "sd1" },
  { slots: "h", name: "sd2" },
  { slots: "g", name: "sdxl-refiner" },
  { slots: "l,g", name: "sdxl" },
  { slots: "g,l", name: "sdxl" },
] as const;
