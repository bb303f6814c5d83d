import { management } from "./management.ts";

/** A user as docs/security.md describes it: may send to one tenant's queues, and read its own replies. */
export async function brokerUser(
  managementUrl: string,
  {
    name,
    prefix,
    tenant,
  }: { readonly name: string; readonly prefix: string; readonly tenant: string },
) {
  const password = "secret-of-the-test";
  await management(managementUrl, "PUT", `users/${name}`, { password, tags: "" });
  await management(managementUrl, "PUT", `permissions/%2F/${name}`, {
    configure: `^${prefix}\\.service\\.`,
    write: `^${prefix}\\.(jobs$|service\\.)`,
    read: `^${prefix}\\.service\\.`,
  });
  await management(managementUrl, "PUT", `topic-permissions/%2F/${name}`, {
    exchange: `${prefix}.jobs`,
    write: `^(high|normal|low)\\.[^.]+\\.${tenant}$`,
    read: "^$",
  });
  return {
    urlOf(amqpUrl: string) {
      const url = new URL(amqpUrl);
      url.username = name;
      url.password = password;
      return url.href;
    },
    async [Symbol.asyncDispose]() {
      await management(managementUrl, "DELETE", `users/${name}`);
    },
  };
}
