import { createHash, randomBytes } from "node:crypto";
import { type AccessScope, type ApiKey, accessScopeSchema, CodedError } from "@rabbitloom/protocol";
import * as z from "zod";
import type { RedisConnection } from "./redis-connection.ts";
import { createKeyScript, findKeyScript, listKeysScript, revokeKeyScript } from "./scripts/keys.ts";
import type { StoreContext } from "./store-context.ts";

/** The fleet's API keys. Only digests of the secrets are kept: nobody can read a key out of Redis. */
export interface KeyRing {
  /** Makes a key; its secret is answered this once. */
  create(key: NewKey): Promise<{ readonly key: ApiKey; readonly secret: string }>;
  /** The key of a secret that still counts; undefined where it is unknown, revoked or expired. */
  find(secret: string): Promise<ApiKey | undefined>;
  /** Whether the key of this id still counts. */
  isLive(id: string): Promise<boolean>;
  /** All keys, revoked and expired ones too, oldest first. */
  list(): Promise<ApiKey[]>;
  /** From when this resolves, the key opens nothing. False where there is no such key. */
  revoke(id: string): Promise<boolean>;
  /**
   * Calls back with the id of each key that is revoked, at whichever gateway. `onGap`: Redis is there (again), and what was
   * revoked before is not told.
   */
  onRevoked(listener: (id: string) => void, onGap?: () => void): Disposable;
}

export interface NewKey {
  readonly tenant: string;
  readonly scopes: readonly [AccessScope, ...AccessScope[]];
  /** What it is for, for people. */
  readonly name?: string;
  /** @default never */
  readonly expiresAt?: Date;
}

/** So that a key is known as one where it should not be: in a log, in a repository. */
const SECRET_START = "loom_";
/** 256 bits of chance: guessing is hopeless, and one plain SHA-256 keeps the secret. */
const SECRET_BYTES = 32;

export function keyRing(
  { run }: StoreContext,
  { root, redis }: { readonly root: string; readonly redis: RedisConnection },
): KeyRing {
  return {
    async create({ tenant, scopes, name = "", expiresAt }) {
      const id = `k${randomBytes(6).toString("hex")}`;
      const secret = `${SECRET_START}${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
      const createdAt = Date.now();
      const times = [createdAt, expiresAt?.getTime() ?? ""];
      const unique = [...new Set(scopes)];
      const made = await run(
        createKeyScript,
        digestOf(secret),
        id,
        tenant,
        unique.join(" "),
        name,
        ...times,
      );
      if (made !== 1) throw new CodedError("CONFLICT", `there is a key ${id} already: try again`);
      return { key: keyOf([id, tenant, unique.join(" "), name, ...times]), secret };
    },

    async find(secret) {
      if (!/^loom_k[0-9a-f]{12}_[\w-]{43}$/.test(secret)) return undefined;
      return liveKey(await run(findKeyScript, digestOf(secret), ""));
    },

    async isLive(id) {
      return liveKey(await run(findKeyScript, "", id)) !== undefined;
    },

    async list() {
      const rows = z.array(rowSchema).parse(await run(listKeysScript));
      return rows.map(keyOf).sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    },

    async revoke(id) {
      return (await run(revokeKeyScript, id)) === 1;
    },

    onRevoked: (listener, onGap) => redis.subscribe(`${root}key-revoked`, listener, onGap),
  };
}

/** The key of a script's answer, where it still counts by Redis's clock. */
function liveKey(answer: unknown): ApiKey | undefined {
  if (answer === null) return undefined;
  const values = rowSchema.parse(answer);
  const key = keyOf(values);
  const isOver = key.expiresAt !== undefined && Date.parse(key.expiresAt) <= Number(values.at(-1));
  return isOver || key.revokedAt !== undefined ? undefined : key;
}

function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

const rowSchema = z.array(z.union([z.string(), z.number()]).nullable());

function keyOf(values: readonly (string | number | null)[]): ApiKey {
  const [id, tenant, scopes, name, createdAt, expiresAt, revokedAt] = values;
  const [end, revoked] = [time(expiresAt), time(revokedAt)];
  return {
    id: String(id),
    tenant: String(tenant),
    scopes: z.array(accessScopeSchema).parse(String(scopes).split(" ")),
    name: String(name ?? ""),
    createdAt: time(createdAt) ?? "",
    ...(end !== undefined && { expiresAt: end }),
    ...(revoked !== undefined && { revokedAt: revoked }),
  };
}

function time(milliseconds: string | number | null | undefined): string | undefined {
  if (milliseconds === null || milliseconds === undefined || milliseconds === "") return undefined;
  return new Date(Number(milliseconds)).toISOString();
}
