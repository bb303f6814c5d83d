import { deadLetterSchema, jobIdSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { UsageError } from "../cli/usage-error.ts";
import { readEnvironment } from "../config.ts";
import { gatewayOf } from "../fleet/gateway-of.ts";

const problemSchema = z.looseObject({ detail: z.string() });

export const dead = defineCommand({
  name: "dead",
  summary: "Dead letters: list them, show one, run one again or throw it away",
  operands: "ls | show ID | replay ID | drop ID",
  operandCount: [1, 2],
  options: {
    url: {
      type: "string",
      value: "URL",
      description: "The gateway [LOOM_URL, else the fleet in --data]",
    },
    data: dataOption,
  },
  schema: z.object({ url: z.url().optional(), data: dataSchema }),
  notes:
    "A job that every attempt has failed stays here until somebody has dealt with it, and so does a message that is\n" +
    "no job. ID is the letter's or its job's. `replay` prints the id of the new job. LOOM_API_KEY is sent where set.",
  async run({ url, data }, [verb = "", id]) {
    const baseUrl = url ?? readEnvironment().LOOM_URL ?? (await gatewayOf(data));
    const letters = `${baseUrl.replace(/\/+$/, "")}/api/v1/dead-letters`;
    if ((verb === "ls") !== (id === undefined)) {
      throw new UsageError("loom dead: expected ls, or show, replay or drop with an id");
    }
    const one = `${letters}/${encodeURIComponent(id ?? "")}`;
    switch (verb) {
      case "ls": {
        const answer = await call("GET", `${letters}?limit=10000`);
        const found = z.object({ letters: z.array(deadLetterSchema) }).parse(answer).letters;
        for (const { id: letterId, jobId = "-", reason, diedAt = "-", detail = "" } of found) {
          console.log([letterId, jobId, reason, diedAt, detail].join("  ").trimEnd());
        }
        console.error(`${found.length} dead letters`);
        return 0;
      }
      case "show":
        console.log(JSON.stringify(deadLetterSchema.parse(await call("GET", one)), undefined, 2));
        return 0;
      case "replay": {
        const answer = z.object({ jobId: jobIdSchema }).parse(await call("POST", `${one}/replay`));
        console.log(answer.jobId);
        return 0;
      }
      case "drop":
        await call("DELETE", one);
        return 0;
      default:
        throw new UsageError(`loom dead: expected ls, show, replay or drop, got ${verb}`);
    }
  },
});

async function call(method: "GET" | "POST" | "DELETE", url: string): Promise<unknown> {
  const { LOOM_API_KEY: key } = readEnvironment();
  const response = await fetch(url, {
    method,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });
  const text = await response.text();
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  const problem = problemSchema.safeParse(JSON.parse(text));
  throw new Error(
    problem.success ? problem.data.detail : `the gateway answered ${response.status}`,
  );
}
