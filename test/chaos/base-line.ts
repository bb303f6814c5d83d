import type { ChaosFleet } from "./fleet.ts";
import type { Resources } from "./history.ts";
import { patience } from "./patience.ts";
import { measure } from "./resources.ts";
import { leftOver } from "./verdict.ts";

export interface BaseLineOptions {
  readonly timeoutMs: number;
  readonly print: (line: string) => void;
}

/** What a fleet holds that has worked once and has nothing to do: opened on first use, it does not count as left over. */
export async function takeBaseLine(
  fleet: ChaosFleet,
  options: BaseLineOptions,
): Promise<Resources> {
  return await settleDown(fleet, {
    ...options,
    what: "nothing is left after the first jobs",
    missing: ({ streams = 0, messages = 0, engines = 0 }) => [
      ...(streams > 0 ? [`${streams} streams`] : []),
      ...(messages > 0 ? [`${messages} messages`] : []),
      ...(engines < fleet.workers.length ? [`only ${engines} engines`] : []),
    ],
  });
}

/** Forgets history and waits until everything is as it was, or the time is over: the figures then say what is off. */
export async function returnToBaseLine(
  fleet: ChaosFleet,
  options: BaseLineOptions & { readonly before: Resources },
): Promise<Resources> {
  const { before } = options;
  return await settleDown(fleet, {
    ...options,
    what: "everything is as before",
    missing: (now) => leftOver(before, now).map(({ where, found }) => `${where} ${found}`),
  });
}

async function settleDown(
  fleet: ChaosFleet,
  options: BaseLineOptions & {
    readonly what: string;
    readonly missing: (now: Resources) => string[];
  },
): Promise<Resources> {
  let now: Resources = {};
  await patience({
    ...options,
    look: async () => {
      await fleet.store.forgetAllEnded("every-tenant");
      now = await measure(fleet);
      return options.missing(now);
    },
  });
  return now;
}
