import type { Script } from "./redis-connection.ts";
import type { RetentionArguments } from "./retention.ts";

/** What every part of the store needs. */
export interface StoreContext {
  run(script: Script, ...args: readonly (string | number)[]): Promise<unknown>;
  readonly retention: RetentionArguments;
  /** Milliseconds for which a removed job is still known to have existed. */
  readonly goneMs: number;
  /** An attempt that has said nothing for longer is not believed to be alive. */
  readonly aliveMs: number;
}
