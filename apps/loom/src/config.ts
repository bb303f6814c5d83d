import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** An address that is set but empty counts as not set: `REDIS_URL= ./loom up`. */
const address = z
  .string()
  .optional()
  .transform((text) => (text === "" ? undefined : text));

const environmentSchema = z.object({
  AMQP_URL: address,
  REDIS_URL: address,
  STOMP_URL: address,
  MANAGEMENT_URL: address,
  JWT_PRIVATE_KEY_FILE: address,
  CHROMIUM_PATH: address,
  /** Where `loom submit` sends to when no fleet of this folder is up. */
  LOOM_URL: address,
  /** For a gateway that asks for credentials. */
  LOOM_API_KEY: address,
  LOOM_PREFIX: z.string().default("loom"),
});
export type Environment = z.infer<typeof environmentSchema>;

/** The whole environment, for programs that inherit it. */
export const inheritedEnvironment: Readonly<Record<string, string | undefined>> = process.env;

/** What the environment says to this program. */
export function readEnvironment(): Environment {
  return environmentSchema.parse(process.env);
}

/** The repository's root: this file is `apps/loom/src/config.ts` or its copy in `dist`. */
export const repositoryRoot = resolve(fileURLToPath(new URL("../../..", import.meta.url)));

/** The models that come with the repository, in ComfyUI's layout. */
export const shippedModels = resolve(repositoryRoot, "models");
