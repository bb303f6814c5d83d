import { join } from "node:path";
import * as z from "zod";
import { defineCommand, wholeNumber } from "../cli/command.ts";
import { repositoryRoot } from "../config.ts";
import { runTool } from "../install/run-tool.ts";
import { ensureInstalled, requirements } from "../install/system-packages.ts";

const MOST_MINUTES = 10_000;
const MOST_JOBS = 10_000_000;

export const chaos = defineCommand({
  name: "chaos",
  summary: "Break a fleet at random while it works, and say whether every promise was kept",
  options: {
    minutes: {
      type: "string",
      value: "N",
      default: "5 where no jobs are given",
      description: "Submit for so long, and until every fault has struck",
    },
    jobs: { type: "string", value: "N", description: "Or so many, whichever comes first" },
    "rabbitmq-nodes": {
      type: "string",
      value: "1|3",
      default: "1",
      description: "Run RabbitMQ as a cluster of three",
    },
    seed: {
      type: "string",
      value: "S",
      default: "the time",
      description: "The same seed chooses the same jobs and faults",
    },
  },
  schema: z.object({
    minutes: wholeNumber(1, MOST_MINUTES).optional(),
    jobs: wholeNumber(1, MOST_JOBS).optional(),
    "rabbitmq-nodes": z.enum(["1", "3"]).default("1"),
    seed: wholeNumber(0, 2 ** 32 - 1).optional(),
  }),
  notes:
    "Starts servers, two gateways and four workers of its own; they and their data are gone in the end. The last\n" +
    "line is the verdict; the exit code is 0 when nothing was violated. What is broken: docs/reliability.md.",
  async run({ jobs = MOST_JOBS, seed = Date.now() % 2 ** 32, "rabbitmq-nodes": nodes, ...given }) {
    const { minutes = jobs === MOST_JOBS ? 5 : MOST_MINUTES } = given;
    await ensureInstalled([requirements.rabbitmq, requirements.redis]);
    const main = join(repositoryRoot, "test/chaos/main.ts");
    const args = [minutes, jobs, seed, nodes].map(String);
    return await runTool("tsx", ["--conditions=@rabbitloom/source", main, ...args]);
  },
});
