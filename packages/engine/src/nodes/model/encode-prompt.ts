import { type EncodedText, encodeText, type Prompt, type TextEncoder } from "../../models/model.ts";
import type { NodeContext } from "../context.ts";

/** Encodes a prompt; what had to be left out of it is shown on the node. */
export async function encodePrompt(
  { sendText }: NodeContext,
  clip: TextEncoder,
  prompt: Prompt,
): Promise<EncodedText> {
  const remarks = new Set<string>();
  const encoded = await encodeText(clip, prompt, (remark) => remarks.add(remark));
  if (remarks.size > 0) sendText([...remarks].join("\n"));
  return encoded;
}
