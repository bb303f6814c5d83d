import { defineCommand } from "../cli/command.ts";
import { fleetCliOptions, fleetOptionsSchema } from "../fleet/fleet-options.ts";
import { superviseUntilStopped } from "../fleet/supervise-until-stopped.ts";

/** What `up --detach` leaves running. */
export const supervise = defineCommand({
  name: "supervise",
  summary: "Start a fleet and look after it until SIGTERM; up does the rest",
  isInternal: true,
  options: fleetCliOptions,
  schema: fleetOptionsSchema,
  run: (options) => superviseUntilStopped(options, async () => {}),
});
