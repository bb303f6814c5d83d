import { randomInt } from "node:crypto";
import type { Tensor } from "../../tensor.ts";
import type { NodeContext } from "../context.ts";
import type { SubmittedGraph } from "./node-value.ts";
import type { SavedFile } from "./output-files.ts";
import { savePictures } from "./save-pictures.ts";

/** Saves to the temporary folder, fast, under a prefix of the node's own. images: [B,H,W,C] */
export function previewPictures(
  context: NodeContext,
  { images, ...graph }: SubmittedGraph & { readonly images: Tensor },
): Promise<SavedFile[]> {
  const prefix = `ComfyUI_temp_${nodeLetters(context.state)}`;
  return savePictures(context, { ...graph, images, type: "temp", prefix, level: 1 });
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const LETTERS_KEY = "temporary-prefix";

/** Five letters that stay the same for as long as the node does. */
function nodeLetters(state: Map<string, unknown>): string {
  const known = state.get(LETTERS_KEY);
  if (typeof known === "string") return known;
  const letters = Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  state.set(LETTERS_KEY, letters);
  return letters;
}
