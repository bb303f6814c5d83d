import * as z from "zod";

const namesSchema = z.array(z.object({ name: z.string() }));

/** One call of RabbitMQ's management API; the address carries user and password. */
export async function management(
  managementUrl: string,
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { username, password, origin } = new URL(managementUrl);
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`,
      "content-type": "application/json",
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok && response.status !== 404) {
    throw new Error(`management API: ${method} ${path}: ${response.status} ${text}`);
  }
  return text === "" ? undefined : JSON.parse(text);
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
