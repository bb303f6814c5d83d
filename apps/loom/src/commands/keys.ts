import { openJobStore } from "@rabbitloom/jobs";
import {
  type AccessScope,
  type ApiKey,
  accessScopeSchema,
  DEFAULT_TENANT,
  tenantSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import { defineCommand, wholeNumber } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { UsageError } from "../cli/usage-error.ts";
import { readEnvironment } from "../config.ts";
import { currentFleet } from "../fleet/current-fleet.ts";

const DAY_MS = 86_400_000;

const scopesSchema = z
  .string()
  .transform((text) => text.split(",").map((scope) => scope.trim()))
  .pipe(z.tuple([accessScopeSchema]).rest(accessScopeSchema));

const usual: [AccessScope, ...AccessScope[]] = ["submit", "read-own"];

export const keys = defineCommand({
  name: "keys",
  summary: "Make, list and revoke API keys",
  operands: "create | ls | revoke ID",
  operandCount: [1, 2],
  options: {
    tenant: {
      type: "string",
      value: "NAME",
      default: DEFAULT_TENANT,
      description: "Whose key it is",
    },
    scopes: {
      type: "string",
      value: "LIST",
      default: usual.join(","),
      description: "Of submit, read-own, read-all, operate, by commas",
    },
    name: { type: "string", value: "TEXT", description: "What it is for" },
    days: { type: "string", value: "N", description: "It expires after so many days; else never" },
    data: dataOption,
  },
  schema: z.object({
    tenant: tenantSchema.default(DEFAULT_TENANT),
    scopes: scopesSchema.default(usual),
    name: z.string().max(100).optional(),
    days: wholeNumber(1, 3_650).optional(),
    data: dataSchema,
  }),
  notes:
    "Works on the fleet of the folder, or on REDIS_URL with LOOM_PREFIX. The secret is shown once.",
  async run({ tenant, scopes, name, days, data }, [verb, id]) {
    await using store = await openStore(data);
    if (verb === "create" && id === undefined) {
      const { key, secret } = await store.keys.create({
        tenant,
        scopes,
        ...(name !== undefined && { name }),
        ...(days !== undefined && { expiresAt: new Date(Date.now() + days * DAY_MS) }),
      });
      console.log(`${secret}\n${keyLine(key)}\nThe first line is the key; it is not shown again.`);
      return 0;
    }
    if (verb === "ls" && id === undefined) {
      for (const key of await store.keys.list()) console.log(keyLine(key));
      return 0;
    }
    if (verb === "revoke" && id !== undefined) {
      if (!(await store.keys.revoke(id))) throw new Error(`there is no key ${id}`);
      console.log(`${id} opens nothing any more`);
      return 0;
    }
    throw new UsageError(
      `loom keys: expected create, ls or revoke ID, got ${[verb, id].join(" ")}`,
    );
  },
});

async function openStore(data: string) {
  const environment = readEnvironment();
  const fleet = await currentFleet(data);
  const url = environment.REDIS_URL ?? fleet?.state.redisUrl;
  if (url === undefined) {
    throw new Error(`no fleet is up in ${data}: ./loom up starts one, or set REDIS_URL`);
  }
  return openJobStore({
    url,
    prefix: fleet?.state.prefix ?? environment.LOOM_PREFIX,
    name: "loom keys",
  });
}

function keyLine({ id, tenant, scopes, name, expiresAt, revokedAt }: ApiKey): string {
  const end = revokedAt === undefined ? `expires ${expiresAt ?? "never"}` : `revoked ${revokedAt}`;
  return [id, tenant, scopes.join(","), end, name].join("  ").trimEnd();
}
