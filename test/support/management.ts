import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";

const namesSchema = z.array(z.object({ name: z.string() }));

const ANSWER_MS = 60_000;
/** A list is 500 where one of its queues is deleted meanwhile, as other tests' are. */
const LIST_TRIES = 10;
const LIST_PAUSE_MS = 200;

/** One call of RabbitMQ's management API; the address carries user and password. */
export async function management(
  managementUrl: string,
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    const { status, text } = await ask(managementUrl, method, path, body);
    if (status < 300 || status === 404) return text === "" ? undefined : JSON.parse(text);
    if (method !== "GET" || status !== 500 || tries === LIST_TRIES) {
      throw new Error(`management API: ${method} ${path}: ${status} ${text}`);
    }
    await delay(LIST_PAUSE_MS);
  }
}

async function ask(
  managementUrl: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly text: string }> {
  const { username, password, origin } = new URL(managementUrl);
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return { status: response.status, text: await response.text() };
}

/** Deletes every queue and exchange whose name begins with `prefix`. */
export async function deleteByPrefix(managementUrl: string, prefix: string): Promise<void> {
  for (const kind of ["queues", "exchanges"] as const) {
    for (const name of await namesOf(managementUrl, kind, prefix)) {
      await management(managementUrl, "DELETE", `${kind}/%2F/${encodeURIComponent(name)}`);
    }
  }
}

/** Names of the queues or exchanges that begin with `prefix`. */
export async function namesOf(
  managementUrl: string,
  kind: "queues" | "exchanges",
  prefix: string,
): Promise<string[]> {
  const list = await management(managementUrl, "GET", `${kind}/%2F?columns=name`);
  const names = namesSchema.parse(list).map(({ name }) => name);
  return names.filter((name) => name.startsWith(prefix));
}
