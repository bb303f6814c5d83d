import { setTimeout as delay } from "node:timers/promises";

export interface PatienceOptions {
  readonly what: string;
  /** What is still missing, in words; nothing when all is there. A throw is missing, too. */
  readonly look: () => Promise<readonly string[]>;
  readonly timeoutMs: number;
  readonly print: (line: string) => void;
}

const LOOK_EVERY_MS = 500;
const SAY_EVERY_MS = 15_000;
/** Of what is missing, so much is said. */
const SAID = 6;

/** Waits until nothing is missing, and says now and then what is. Answers what was missing in the end. */
export async function patience(options: PatienceOptions): Promise<readonly string[]> {
  const { what, look, timeoutMs, print } = options;
  const startedAt = performance.now();
  let sayAt = startedAt + SAY_EVERY_MS;
  for (;;) {
    const missing = await look().catch((error: unknown) => [String(error)]);
    if (missing.length === 0) return missing;
    const now = performance.now();
    const isOver = now - startedAt > timeoutMs;
    if (isOver || now > sayAt) {
      sayAt = now + SAY_EVERY_MS;
      const more = missing.length > SAID ? ` and ${missing.length - SAID} more` : "";
      const waited = `${((now - startedAt) / 1_000).toFixed(0)} s`;
      print(`${what}: after ${waited} still ${missing.slice(0, SAID).join("; ")}${more}`);
    }
    if (isOver) return missing;
    await delay(LOOK_EVERY_MS);
  }
}

/** The same, where going on makes no sense: throws. */
export async function insist(options: PatienceOptions): Promise<void> {
  const missing = await patience(options);
  if (missing.length > 0) throw new Error(`${options.what}: ${missing.slice(0, SAID).join("; ")}`);
}
