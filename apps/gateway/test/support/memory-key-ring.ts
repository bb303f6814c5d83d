import { randomUUID } from "node:crypto";
import type { KeyRing } from "@rabbitloom/jobs";
import type { ApiKey } from "@rabbitloom/protocol";

/** API keys in memory; who uses one is told of by tests with a real store. */
export function memoryKeyRing(): KeyRing {
  const keys = new Map<string, ApiKey>();
  return {
    async create({ tenant, scopes, name = "", expiresAt }) {
      const id = randomUUID();
      const key: ApiKey = {
        id,
        tenant,
        scopes: [...scopes],
        name,
        createdAt: new Date().toISOString(),
        ...(expiresAt !== undefined && { expiresAt: expiresAt.toISOString() }),
      };
      keys.set(id, key);
      return { key, secret: `loom_${id}` };
    },
    find: async (secret) => keys.get(secret.replace("loom_", "")),
    isLive: async (id) => keys.has(id),
    list: async () => [...keys.values()],
    revoke: async (id) => keys.delete(id),
    onRevoked: () => ({ [Symbol.dispose]() {} }),
  };
}
