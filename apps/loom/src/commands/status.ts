import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { type FleetStatus, fleetStatus } from "../fleet/fleet-status.ts";

/** systemd's code for "not running". */
const NOT_UP = 3;

export const status = defineCommand({
  name: "status",
  summary: "Say what is up: addresses, workers, what has crashed",
  options: {
    json: { type: "boolean", description: "As one JSON object" },
    data: dataOption,
  },
  schema: z.object({ json: z.boolean().default(false), data: dataSchema }),
  notes: "Exit code 0 while a fleet is up, 3 while none is.",
  async run({ json, data }) {
    const found = await fleetStatus(data);
    console.log(json ? JSON.stringify(found, undefined, 2) : statusText(found));
    return found.phase === "down" ? NOT_UP : 0;
  },
});

export function statusText(found: FleetStatus): string {
  if (found.phase === "down") return `nothing is up in ${found.data}: ./loom up starts a fleet`;
  const rows = [
    ["phase", found.phase],
    ["page and API", found.gateway],
    ["STOMP", found.stomp],
    ["AMQP", found.amqp],
    ["Redis", found.redis],
    ["management", found.management],
    ["data", found.data],
    ...found.parts.map(({ name, pid, state, exit }) => [name, describe(pid, state, exit)]),
    ...found.workers.map(({ id, pid, state, exit }) => [id, describe(pid, state, exit)]),
  ];
  const lines = rows.map(([name, value]) => `${(name ?? "").padEnd(22)}${value ?? "-"}`);
  return [...lines, ...found.notes.map((note) => `note: ${note}`)].join("\n");
}

function describe(pid: number, state: string, exit: string | undefined): string {
  return `${state} (pid ${pid}${exit === undefined ? "" : `, ended: ${exit}`})`;
}
