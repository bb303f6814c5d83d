import { CodedError } from "@rabbitloom/protocol";
import * as z from "zod";
import { openChildEngine } from "./child-engine.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { openFolders } from "./open-folders.ts";

/**
 * Opens an engine: in a process of its own, or with `inline` in this one. Broken packs are listed in its
 * catalog; everything else that is wrong with the options throws here.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  checkOptions(options);
  if (options.inline) {
    // Only here: the parent of an engine's process loads neither nodes nor native code.
    const { openInlineEngine } = await import("./inline-engine.ts");
    return openInlineEngine(options);
  }
  if (options.nodes?.some((pack) => typeof pack !== "string")) {
    throw new CodedError(
      "INVALID_REQUEST",
      "a node cannot be sent to the engine's process: give the path of its pack, or use inline: true",
    );
  }
  return openChildEngine(options, await openFolders(options));
}

const optionsSchema = z.strictObject({
  input: z.string().optional(),
  output: z.string().optional(),
  temp: z.string().optional(),
  models: z.union([z.string(), z.array(z.string())]).optional(),
  nodes: z.array(z.unknown()).optional(),
  cache: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("classic") }),
      z.strictObject({ kind: z.literal("none") }),
      z.strictObject({ kind: z.literal("lru"), entries: z.int().positive() }),
      z.strictObject({ kind: z.literal("memory"), bytes: z.int().positive() }),
    ])
    .optional(),
  device: z.string().optional(),
  precision: z.enum(["full", "int8"]).optional(),
  memoryBudgetBytes: z.number().positive().optional(),
  threads: z.int().positive().optional(),
  inline: z.boolean().optional(),
  killAfterMs: z.number().nonnegative().optional(),
  maxExpandedNodes: z.int().positive().optional(),
  maxInputPixels: z.int().positive().optional(),
});

function checkOptions(options: EngineOptions): void {
  const checked = optionsSchema.safeParse(options);
  if (checked.success) return;
  const problems = checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new CodedError("INVALID_REQUEST", `engine options: ${problems.join("; ")}`);
}
