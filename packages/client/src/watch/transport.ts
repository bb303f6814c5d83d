import type { Cursor, JobEvent } from "@rabbitloom/protocol";

/** Some events that arrived together. */
export interface Delivery {
  readonly events: readonly JobEvent[];
  /** To be called when the reader has taken them all: only then more is sent to a slow reader. */
  taken(): void;
}

/** A way to read a job's log. It keeps what it needs to go on where its last connection ended. */
export interface Transport {
  /**
   * One connection: deliveries until it closes, and `"quiet"` whenever none came for a while. Returns
   * when a connection that stood was closed, for whatever reason; throws CONNECTION_LOST where none
   * came about, and other codes where trying again is useless. Returning from the generator closes it.
   */
  connect(options: ConnectOptions): AsyncGenerator<Delivery | "quiet", void, undefined>;
}

export interface ConnectOptions {
  /** The last event that the reader has. */
  readonly position: Cursor;
  readonly quietMs: number;
  readonly signal: AbortSignal | undefined;
}
