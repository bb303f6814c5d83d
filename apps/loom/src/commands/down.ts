import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { currentFleet, stopFleet } from "../fleet/current-fleet.ts";

export const down = defineCommand({
  name: "down",
  summary: "Stop everything that up started, and nothing else",
  options: { data: dataOption },
  schema: z.object({ data: dataSchema }),
  notes:
    "Jobs that wait stay with RabbitMQ and run after the next up. Workers get 10 s to finish what they do;\n" +
    "a job that takes longer is handed back.",
  async run({ data }) {
    const fleet = await currentFleet(data);
    if (fleet === undefined) {
      console.log(`nothing is up in ${data}`);
      return 0;
    }
    const stopped = await stopFleet(fleet);
    console.log(`stopped ${stopped.join(", ") || "nothing: every part had ended before"}`);
    return 0;
  },
});
