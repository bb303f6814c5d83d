import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { engineEnvironment } from "./config.ts";
import type { ToChild, ToParent } from "./messages.ts";

/** The engine's process as its parent holds it. */
export interface EngineProcess {
  readonly pid: number | undefined;
  /** False once it is going down. */
  readonly isUp: boolean;
  send(message: ToChild): void;
  /** Whether this process stays up for the child's sake: only while an answer is awaited. */
  hold(isHeld: boolean): void;
  kill(): void;
  /** Settles when the process is gone, with how it ended. */
  readonly ended: Promise<ProcessEnd>;
}

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last it wrote to its error output. */
  readonly lastWords: string;
}

const LAST_WORDS_LENGTH = 2000;

/** Starts the process. What it prints goes to this process's error output. */
export function startEngineProcess(onMessage: (message: ToParent) => void): EngineProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const entry = new URL(`./child-main.${isSource ? "ts" : "js"}`, import.meta.url);
  const child = fork(fileURLToPath(entry), [], {
    serialization: "advanced",
    env: engineEnvironment(),
    execArgv: ["--expose-gc", ...(isSource ? sourceArguments() : ownArguments())],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let lastWords = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      process.stderr.write(chunk);
      lastWords = (lastWords + chunk.toString("utf8")).slice(-LAST_WORDS_LENGTH);
    });
  }
  child.on("message", (message: ToParent) => onMessage(message));
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once("error", (cause) =>
      resolve({ exitCode: null, signal: null, lastWords: cause.message }),
    );
    // Comes after the output has been read to its end, unlike "exit".
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal, lastWords }));
  });
  return {
    pid: child.pid,
    get isUp() {
      return child.connected && !child.killed && child.exitCode === null;
    },
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
    hold: (isHeld) => holdProcess(child, isHeld),
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}

function holdProcess(child: ChildProcess, isHeld: boolean): void {
  for (const handle of [child, child.channel, child.stdout, child.stderr]) {
    if (handle === null || handle === undefined) continue;
    if (isHeld) callIfThere(handle, "ref");
    else callIfThere(handle, "unref");
  }
}

/** Pipes are sockets, which have these methods; the types say only streams. */
function callIfThere(handle: object, method: "ref" | "unref"): void {
  const found: unknown = Reflect.get(handle, method);
  if (typeof found === "function") Reflect.apply(found, handle, []);
}

/** From source the child needs the loader that reads TypeScript. */
function sourceArguments(): string[] {
  const loader = createRequire(import.meta.url).resolve("tsx");
  return ["--conditions=@rabbitloom/source", "--import", loader];
}

/** The parent's own options, which may load what packs need; a debugger's port cannot be shared. */
function ownArguments(): string[] {
  return process.execArgv.filter((argument) => !argument.startsWith("--inspect"));
}
