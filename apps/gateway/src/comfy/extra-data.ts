import type { ExtraData } from "@rabbitloom/protocol";

/** Credentials for paid nodes travel with a prompt; nobody is shown them again. */
const SECRETS = ["auth_token_comfy_org", "api_key_comfy_org"];

export function withoutSecrets(extraData: ExtraData): ExtraData {
  if (!SECRETS.some((name) => name in extraData)) return extraData;
  return Object.fromEntries(Object.entries(extraData).filter(([name]) => !SECRETS.includes(name)));
}
