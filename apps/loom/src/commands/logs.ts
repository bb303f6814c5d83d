import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { defineCommand, wholeNumber } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { UsageError } from "../cli/usage-error.ts";
import { lastLines } from "../servers/index.ts";

/** Folders below the data folder that parts write logs to. */
const LOG_FOLDERS = ["logs", "rabbitmq/log", "redis"];

export const logs = defineCommand({
  name: "logs",
  summary: "Show what the parts of the fleet wrote",
  operands: "[PART]",
  operandCount: [0, 1],
  options: {
    lines: { type: "string", value: "N", default: "20", description: "Lines of each part" },
    follow: { type: "boolean", short: "f", description: "Go on as more is written" },
    data: dataOption,
  },
  schema: z.object({
    lines: wholeNumber(0, 1_000_000).default(20),
    follow: z.boolean().default(false),
    data: dataSchema,
  }),
  notes: "PART is gateway, worker-1, worker-2, ..., rabbitmq, redis, epmd or supervisor.",
  async run({ lines, follow, data }, [part]) {
    const files = await logFiles(data);
    const names = [...files.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const chosen = part === undefined ? names : names.filter((name) => name === part);
    if (part !== undefined && chosen.length === 0) {
      throw new UsageError(
        `loom logs: expected one of ${names.join(", ") || "(nothing has been up)"}, got ${part}`,
      );
    }
    const paths = chosen.flatMap((name) => files.get(name) ?? []);
    if (follow) return await tail(paths, lines);
    for (const [i, path] of paths.entries()) {
      if (chosen.length > 1) console.log(`==> ${chosen[i]} <==`);
      console.log(lastLines(await readFile(path, "utf8"), lines));
    }
    return 0;
  },
});

async function logFiles(dataDir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of LOG_FOLDERS) {
    const names = await readdir(join(dataDir, folder)).catch(() => []);
    for (const name of names.filter((file) => file.endsWith(".log") && !file.includes("@"))) {
      files.set(name.slice(0, -".log".length), join(dataDir, folder, name));
    }
  }
  return files;
}

function tail(paths: readonly string[], lines: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn("tail", ["-n", String(lines), "-F", ...paths], { stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 0));
  });
}
