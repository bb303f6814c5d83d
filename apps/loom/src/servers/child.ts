import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Linux: the kernel ends the child when this process is gone, however it went. @default false */
  readonly endsWithParent?: boolean;
}

export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  readonly exit: Exit | undefined;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after `graceMs`, and SIGKILL to whatever it left in its process group. @default 15_000 */
  stop(graceMs?: number): Promise<void>;
  /** Lets this process end before the child does. */
  release(): void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const SETPRIV = "/usr/bin/setpriv";

/** Starts a program in a process group of its own (a Ctrl-C in the terminal passes it by), its output in a file. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { logFile, endsWithParent = false } = options;
  await mkdir(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  const guard = endsWithParent && existsSync(SETPRIV) ? [SETPRIV, "--pdeathsig", "TERM"] : [];
  const [command = options.command, ...args] = [...guard, options.command, ...options.args];
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: options.env ?? {},
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  closeSync(log);
  return await watch(child, logFile, command);
}

async function watch(child: ChildProcess, logFile: string, command: string): Promise<Child> {
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(new Error(`cannot start ${command}`, { cause })));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command}: no process id`);
  const kill = (signal: NodeJS.Signals) => {
    if (exit === undefined) child.kill(signal);
  };
  return {
    pid,
    logFile,
    exited,
    get exit() {
      return exit;
    },
    kill,
    release: () => child.unref(),
    async stop(graceMs = 15_000) {
      kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(timer);
      endGroup(pid);
    },
  };
}

/** What the program itself had started and left behind. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // nobody is left: as it should be
  }
}

export interface LogWait {
  readonly child: Child;
  /** Where in the file to begin: what an earlier run wrote does not count. */
  readonly from: number;
  readonly text: string;
  readonly what: string;
  readonly timeoutMs: number;
}

/** Waits until the child has written `text`. Throws with its last lines where it ends or takes too long. */
export async function waitForLog({ child, from, text, what, timeoutMs }: LogWait): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const log = await readFrom(child.logFile, from);
    if (log.includes(text)) return;
    const problem =
      child.exit !== undefined
        ? `ended (${child.exit.signal ?? `exit code ${child.exit.code}`})`
        : `was not ready after ${timeoutMs / 1000} s`;
    if (child.exit !== undefined || Date.now() > deadline) {
      throw new Error(`${what} ${problem}; ${child.logFile} ends with:\n${lastLines(log, 15)}`);
    }
    await delay(50);
  }
}

async function readFrom(file: string, from: number): Promise<string> {
  await using handle = await open(file, "r");
  const { size } = await handle.stat();
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(Math.max(0, size - from)),
    position: from,
  });
  return buffer.toString("utf8", 0, bytesRead);
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
