import { endProcess, waitForEnd } from "./end-process.ts";
import { isAlive } from "./process-identity.ts";
import { type FleetState, readState, removeState } from "./state.ts";

export interface CurrentFleet {
  readonly state: FleetState;
  /** False: whoever supervised it was killed; parts of it may still run. */
  readonly isSupervised: boolean;
}

/** The fleet of a data folder, or undefined where none was started or it was stopped in order. */
export async function currentFleet(dataDir: string): Promise<CurrentFleet | undefined> {
  const state = await readState(dataDir);
  return state && { state, isSupervised: await isAlive(state.supervisor) };
}

/** Longer than the supervisor itself gives its parts. */
const SUPERVISOR_GRACE_MS = 90_000;
const PART_GRACE_MS = 15_000;

/**
 * Stops everything that `up` started in a folder and nothing else: a process counts only when its number and
 * its start time are those that were noted. Resolves to the names of what was still running.
 */
export async function stopFleet({ state, isSupervised }: CurrentFleet): Promise<string[]> {
  const alive: string[] = [];
  for (const { name, process } of state.parts) if (await isAlive(process)) alive.push(name);
  if (isSupervised) {
    process.kill(state.supervisor.pid, "SIGTERM");
    await waitForEnd(state.supervisor, SUPERVISOR_GRACE_MS);
  }
  // The supervisor may have started more since; and it may have been killed.
  const latest = (await readState(state.dataDir)) ?? state;
  await endProcess(latest.supervisor, 0);
  const serversLast = latest.parts.toSorted(
    (a, b) => Number(isServer(a.kind)) - Number(isServer(b.kind)),
  );
  for (const part of serversLast) await endProcess(part.process, PART_GRACE_MS);
  await removeState(state.dataDir);
  return alive;
}

function isServer(kind: string): boolean {
  return kind === "rabbitmq" || kind === "redis" || kind === "epmd";
}
