import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** A worker as it is started in production, on the toy nodes. */
export interface WorkerProcess {
  readonly pid: number;
  readonly healthUrl: string;
  /** Lines of its log so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Sends the signal and waits until the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const lineSchema = z.record(z.string(), z.unknown());
const readySchema = z.looseObject({ msg: z.literal("ready"), health: z.string() });

/** Starts the process and waits until it takes jobs. */
export async function spawnWorker(
  variables: Readonly<Record<string, string>>,
): Promise<WorkerProcess> {
  const child = spawn(
    process.execPath,
    ["--conditions=@rabbitloom/source", "--import=tsx", "apps/worker/src/main.ts"],
    {
      cwd: root,
      env: { ...process.env, NODES: "test/support/toy-pack.ts", ...variables },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
  });
  const log: Record<string, unknown>[] = [];
  const lines = createInterface({ input: child.stdout });
  const healthUrl = await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      const entry = readLine(line);
      log.push(entry);
      const ready = readySchema.safeParse(entry);
      if (ready.success) resolve(ready.data.health);
    });
    void exited.then((code) => reject(new Error(`the worker ended with code ${code}`)));
  });
  return {
    pid: child.pid ?? 0,
    healthUrl,
    log,
    kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

function readLine(line: string): Record<string, unknown> {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    return { msg: line };
  }
}
