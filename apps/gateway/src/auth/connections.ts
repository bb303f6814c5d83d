import { isCodedError } from "@rabbitloom/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { onceClosed } from "../http/once-closed.ts";
import { isOfApiKey } from "./principal.ts";

/** A connection that stays open longer than the request that made it was judged for. */
export interface OpenConnection {
  readonly keyId: string | undefined;
  /** When what it was opened with ends. */
  readonly expiresAt?: Date | undefined;
  readonly close: (reason: string) => void;
}

/** Sockets and event streams of this gateway, so that they end with the key that they were opened for. */
export interface Connections extends Disposable {
  /** Dispose what this answers when the connection has ended by itself. */
  add(connection: OpenConnection): Disposable;
  cutKey(keyId: string): void;
  /** With the next sweep all keys are asked about: revocations may have been said that nobody heard. */
  doubt(): void;
}

export interface ConnectionsOptions {
  /** Whether the key of this id still counts. Throws STORE_UNAVAILABLE where that cannot be told now. */
  readonly isLive: (keyId: string) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
  /** @default Date.now */
  readonly now?: () => number;
}

const SWEEP_MS = 1_000;
/** Keys with open connections are asked about twice a minute: the word of a revocation can be lost. */
const SWEEPS_A_CHECK = 30;
/** Longer than it takes from the look at a key to the connection. */
const REMEMBER_MS = 60_000;
const REVOKED = "the key was revoked";

export function connections({ isLive, onError, now = Date.now }: ConnectionsOptions): Connections {
  const open = new Set<OpenConnection>();
  const revoked = new Set<string>();
  let sweepsToCheck = SWEEPS_A_CHECK;
  let isChecking = false;

  function cut(reason: string, isMeant: (connection: OpenConnection) => boolean): void {
    for (const connection of open) {
      if (!isMeant(connection)) continue;
      open.delete(connection);
      connection.close(reason);
    }
  }

  function cutKey(keyId: string): void {
    revoked.add(keyId);
    setTimeout(() => revoked.delete(keyId), REMEMBER_MS).unref();
    cut(REVOKED, (connection) => connection.keyId === keyId);
  }

  /** One key after another. While the store is away nothing is cut, and each sweep tries again. */
  async function checkKeys(): Promise<void> {
    isChecking = true;
    try {
      for (const keyId of new Set([...open].map((connection) => connection.keyId))) {
        if (keyId !== undefined && isOfApiKey(keyId) && !(await isLive(keyId))) cutKey(keyId);
      }
      sweepsToCheck = SWEEPS_A_CHECK;
    } catch (error) {
      if (!isCodedError(error) || error.code !== "STORE_UNAVAILABLE") onError(error);
    } finally {
      isChecking = false;
    }
  }

  const sweeper = setInterval(() => {
    const time = now();
    cut(
      "the credentials have expired",
      ({ expiresAt }) => (expiresAt?.getTime() ?? Infinity) <= time,
    );
    sweepsToCheck -= 1;
    if (sweepsToCheck <= 0 && !isChecking) void checkKeys();
  }, SWEEP_MS);
  sweeper.unref();

  return {
    add(connection) {
      // Between the look at the key and the connection some time passes.
      if (connection.keyId !== undefined && revoked.has(connection.keyId)) {
        connection.close(REVOKED);
      } else open.add(connection);
      return { [Symbol.dispose]: () => void open.delete(connection) };
    },
    cutKey,
    doubt() {
      sweepsToCheck = 0;
    },
    [Symbol.dispose]: () => clearInterval(sweeper),
  };
}

/** Cuts an answer that is still being written when what its request was allowed by ends. */
export function cutWithKey(
  connections: Connections,
  { principal }: FastifyRequest,
  { raw }: FastifyReply,
): void {
  const connection = connections.add({ ...principal, close: () => raw.destroy() });
  onceClosed(raw, () => connection[Symbol.dispose]());
}
