import { inject } from "vitest";

/** Asks the run's main process for a server; it is started when nobody has asked before. */
export async function sharedServer(name: "broker" | "redis"): Promise<unknown> {
  const response = await fetch(`${inject("sharedServers")}/${name}`);
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}

/** Tells the runs and files on one server apart: `t-` and 8 hexadecimal digits. */
export function randomPrefix(): string {
  return `t-${crypto.randomUUID().slice(0, 8)}`;
}
