import type { ExtraData } from "@rabbitloom/protocol";

/** Lets pictures carry the editor's graph that the prompt was made of, as if the page had sent it; one given already stays. */
export function attachWorkflow(extraData: ExtraData, workflow: unknown): ExtraData {
  if (workflow === undefined) return extraData;
  const given = extraData.extra_pnginfo;
  const info = typeof given === "object" && given !== null && !Array.isArray(given) ? given : {};
  return { ...extraData, extra_pnginfo: { workflow, ...info } };
}
