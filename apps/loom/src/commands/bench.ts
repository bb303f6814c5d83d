import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { repositoryRoot } from "../config.ts";
import { runTool } from "../install/run-tool.ts";
import { ensureInstalled, requirements } from "../install/system-packages.ts";

const folder = join(repositoryRoot, "bench");

export const bench = defineCommand({
  name: "bench",
  summary: "Measure: one topic, or all but `diffusion` and `soak`, which take long",
  operands: "[TOPIC]",
  operandCount: [0, 1],
  options: { list: { type: "boolean", description: "Only name the topics" } },
  schema: z.object({ list: z.boolean().default(false) }),
  async run({ list }, [wanted]) {
    const topics = await listTopics();
    if (list) {
      console.log(topics.join("\n"));
      return 0;
    }
    if (wanted !== undefined && !topics.includes(wanted)) {
      throw new UsageError(`loom bench: expected one of ${topics.join(", ")}, got ${wanted}`);
    }
    await ensureInstalled([requirements.rabbitmq, requirements.redis]);
    const chosen = wanted === undefined ? topics.filter((topic) => !LONG.has(topic)) : [wanted];
    for (const topic of chosen) {
      const code = await runTool("tsx", [
        "--conditions=@rabbitloom/source",
        join(folder, `${topic}.ts`),
      ]);
      if (code !== 0) return code;
    }
    return 0;
  },
});

/** Only measured when they are named. */
const LONG: ReadonlySet<string> = new Set(["diffusion", "soak"]);

async function listTopics(): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3))
    .sort((a, b) => a.localeCompare(b, "en"));
}
