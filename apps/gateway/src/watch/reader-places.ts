import { CodedError } from "@rabbitloom/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import { onceClosed } from "../http/once-closed.ts";

/**
 * Readers of event streams at this gateway, over all surfaces. Each has a channel of the broker, of which a connection has
 * 2,047 for everything that the gateway does, and a few messages in memory.
 */
export interface ReaderPlaces {
  /** Counts the reader until its answer is over. Throws TOO_MANY_STREAMS. */
  take(request: FastifyRequest, reply: FastifyReply, jobId: string): void;
}

const MOST_OF_JOB = 32;
const MOST_OF_KEY = 128;
const MOST_IN_ALL = 1_024;

export function readerPlaces(): ReaderPlaces {
  const taken = new Map<string, number>();
  return {
    take({ principal }, { raw }, jobId) {
      const places = [
        { name: `job ${jobId}`, most: MOST_OF_JOB },
        ...(principal.keyId === undefined
          ? []
          : [{ name: `key ${principal.keyId}`, most: MOST_OF_KEY }]),
        { name: "this gateway", most: MOST_IN_ALL },
      ];
      for (const { name, most } of places) {
        if ((taken.get(name) ?? 0) < most) continue;
        throw new CodedError(
          "TOO_MANY_STREAMS",
          `${name}: expected at most ${most} readers of events at a gateway, and there are as many`,
        );
      }
      for (const { name } of places) taken.set(name, (taken.get(name) ?? 0) + 1);
      onceClosed(raw, () => {
        for (const { name } of places) {
          const left = (taken.get(name) ?? 1) - 1;
          if (left === 0) taken.delete(name);
          else taken.set(name, left);
        }
      });
    },
  };
}
