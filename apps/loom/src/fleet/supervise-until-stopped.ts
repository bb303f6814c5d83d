import { once } from "node:events";
import type { FleetOptions } from "./fleet-options.ts";
import { readWantedWorkers } from "./state.ts";
import { superviseFleet } from "./supervise.ts";

/**
 * Starts a fleet, calls `onReady`, and looks after it until SIGINT, SIGTERM or SIGHUP; then everything is stopped.
 * SIGUSR2 has it read again how many workers are wanted. Resolves to the exit code.
 */
export async function superviseUntilStopped(
  options: FleetOptions,
  onReady: () => Promise<void>,
): Promise<number> {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  }
  const fleet = await superviseFleet(options, {
    signal: stopping.signal,
    onPartEnd: ({ name, exit, logFile }) => {
      console.error(`${name} ended: ${exit}; see ${logFile}`);
    },
  });
  /** One change after the other. */
  let changing = Promise.resolve();
  process.on("SIGUSR2", () => {
    changing = changing
      .then(async () => fleet.setWorkers(await readWantedWorkers(options.data)))
      .catch((error: unknown) => console.error(`workers: ${String(error)}`));
  });
  try {
    await onReady();
    if (!stopping.signal.aborted) await once(stopping.signal, "abort");
    console.log("stopping");
  } finally {
    await changing;
    await fleet.stop();
  }
  return 0;
}
