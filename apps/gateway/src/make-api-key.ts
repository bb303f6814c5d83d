/** Makes an API key where there is no `./loom`: `node dist/make-api-key.js TENANT SCOPE,SCOPE`. Its secret is shown once. */
import { openJobStore } from "@rabbitloom/jobs";
import { accessScopeSchema, DEFAULT_TENANT, tenantSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { readConfig } from "./config.ts";

const [tenant = DEFAULT_TENANT, scopes = "submit,read-own"] = process.argv.slice(2);
const { redisUrl, prefix } = readConfig();
const key = {
  tenant: tenantSchema.parse(tenant),
  scopes: z.tuple([accessScopeSchema]).rest(accessScopeSchema).parse(scopes.split(",")),
};
await using store = await openJobStore({ url: redisUrl, prefix, name: "make-api-key" });
const { secret } = await store.keys.create(key);
process.stdout.write(`${secret}\n`);
