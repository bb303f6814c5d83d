import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { readEnvironment } from "../config.ts";
import { currentFleet, stopFleet } from "../fleet/current-fleet.ts";
import { detachSupervisor } from "../fleet/detach-supervisor.ts";
import { type FleetOptions, fleetCliOptions, fleetOptionsSchema } from "../fleet/fleet-options.ts";
import { fleetStatus } from "../fleet/fleet-status.ts";
import { runExample } from "../fleet/run-example.ts";
import { superviseUntilStopped } from "../fleet/supervise-until-stopped.ts";
import { ensureConsole } from "../install/build-console.ts";
import { ensureInstalled, requirements } from "../install/system-packages.ts";
import { statusText } from "./status.ts";

export const up = defineCommand({
  name: "up",
  summary: "Start RabbitMQ, Redis, a gateway and workers; ready when a job can run",
  options: {
    ...fleetCliOptions,
    detach: { type: "boolean", description: "Return when ready; ./loom down stops it" },
    "no-example": { type: "boolean", description: "Do not run the example workflow in the end" },
  },
  schema: fleetOptionsSchema.extend({
    detach: z.boolean().default(false),
    "no-example": z.boolean().default(false),
  }),
  notes: [
    "RabbitMQ and Redis are installed with apt-get where they are missing and that is allowed. They run as the",
    "caller, with data in DIR, on loopback. Set AMQP_URL (with STOMP_URL, MANAGEMENT_URL, JWT_PRIVATE_KEY_FILE)",
    "or REDIS_URL to use servers that exist. A worker that crashes stays dead and is shown by status; ./loom",
    "workers N replaces it. Where the gateway or a server has died, up starts the whole fleet again.",
    "",
    "The workers share three quarters of the machine's memory for models; MEMORY_BUDGET says what each gets.",
  ].join("\n"),
  async run({ detach, "no-example": withoutExample, ...options }) {
    const existing = await currentFleet(options.data);
    if (existing?.isSupervised) {
      const found = await fleetStatus(options.data);
      const dead = found.parts.filter(({ state }) => state === "dead");
      if (dead.length === 0) {
        console.log(`already up:\n${statusText(found)}`);
        return 0;
      }
      // Their ports and passwords hang together, and what was accepted is on disk: all of it starts anew.
      const ended = dead.map(({ name, exit }) => `${name} (${exit})`).join(", ");
      console.log(`${ended} had ended: the fleet starts again`);
    }
    if (existing !== undefined) {
      const left = await stopFleet(existing);
      if (left.length > 0 && !existing.isSupervised)
        console.log(`stopped what an earlier up had left: ${left.join(", ")}`);
    }
    const { AMQP_URL, REDIS_URL } = readEnvironment();
    await ensureInstalled([
      ...(AMQP_URL === undefined ? [requirements.rabbitmq] : []),
      ...(REDIS_URL === undefined ? [requirements.redis] : []),
    ]);
    await ensureConsole();
    console.log("starting");
    const onReady = () => report(options, withoutExample);
    if (!detach) return await superviseUntilStopped(options, onReady);
    await detachSupervisor(options);
    await onReady();
    return 0;
  },
});

async function report(options: FleetOptions, withoutExample: boolean): Promise<void> {
  const found = await fleetStatus(options.data);
  console.log(statusText(found));
  if (found.gateway === null) return;
  if (!withoutExample && options.workers > 0) {
    const file = await runExample(found.gateway, options.data);
    console.log(`the first picture, from text: ${file}`);
  }
  console.log(`open ${found.gateway}/ in a browser`);
}
