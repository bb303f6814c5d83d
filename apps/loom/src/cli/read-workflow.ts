import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { UsageError } from "./usage-error.ts";

/** A workflow from a file, or from standard input for `-`. Throws UsageError where it is not a JSON object. */
export async function readWorkflow(path: string): Promise<object> {
  const content = await (path === "-" ? text(process.stdin) : readFile(path, "utf8")).catch(
    (cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new UsageError(`cannot read the workflow: ${reason}`, { cause });
    },
  );
  const where = path === "-" ? "standard input" : path;
  let workflow: unknown;
  try {
    workflow = JSON.parse(content);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${where}: expected a workflow in JSON: ${reason}`, { cause });
  }
  if (typeof workflow !== "object" || workflow === null || Array.isArray(workflow)) {
    throw new UsageError(`${where}: expected a workflow, a JSON object`);
  }
  return workflow;
}
