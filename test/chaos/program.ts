import { setTimeout as delay } from "node:timers/promises";
import { type Child, startChild } from "../../apps/loom/src/servers/child.ts";

export interface ProgramOptions {
  readonly name: string;
  /** Of Node: options, then the module. */
  readonly args: readonly string[];
  readonly logFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A process of the fleet that is started again whenever it ends. */
export interface Program extends AsyncDisposable {
  readonly name: string;
  /** Of the process that runs now; 0 while there is none. */
  readonly pid: number;
  readonly starts: number;
  kill(signal: NodeJS.Signals): void;
}

const RESTART_MS = 300;
const STOP_MS = 20_000;

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, ...child } = options;
  const stopping = new AbortController();
  let current: Child | undefined;
  let starts = 0;

  const start = async () => {
    current = await startChild({
      ...child,
      command: process.execPath,
      endsWithParent: true,
    });
    starts += 1;
    return current;
  };
  const first = await start();
  const running = keep(first);

  async function keep(started: Child) {
    let alive = started;
    for (;;) {
      await alive.exited;
      // The engine's process of a killed worker goes with it; nothing else may stay.
      current = undefined;
      await delay(RESTART_MS, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      alive = await start();
      if (stopping.signal.aborted) await alive.stop(STOP_MS);
    }
  }

  return {
    name,
    get pid() {
      return current?.pid ?? 0;
    },
    get starts() {
      return starts;
    },
    kill: (signal) => current?.kill(signal),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      current?.kill("SIGCONT");
      await current?.stop(STOP_MS);
      await running;
    },
  };
}
