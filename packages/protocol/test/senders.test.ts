import { expect, test } from "vitest";
import { readSenders, SENDER_HEADER, senderOf, tenantOfSender } from "../src/index.ts";

const senders = readSenders({
  AMQP_URL: "amqp://loom:secret@127.0.0.1:5672",
  AMQP_TENANTS: { "svc-acme": "acme" },
  AMQP_TRUSTED_USERS: ["importer"],
});
if (senders === undefined) throw new Error("no senders");

test("without tenants of users everybody is believed", () => {
  expect(
    readSenders({ AMQP_URL: "amqp://loom@127.0.0.1", AMQP_TRUSTED_USERS: [] }),
  ).toBeUndefined();
});

test.each([
  ["a user of a tenant", { userId: "svc-acme", headers: {} }, "acme"],
  ["the fleet itself", { userId: "loom", headers: {} }, "claimed"],
  ["a trusted user", { userId: "importer", headers: {} }, "claimed"],
  [
    "the fleet for a user of a tenant",
    { userId: "loom", headers: { [SENDER_HEADER]: "svc-acme" } },
    "acme",
  ],
])("what %s sends is the right tenant's", (_, message, tenant) => {
  expect(tenantOfSender(message, "claimed", senders)).toBe(tenant);
});

test.each([
  ["who says nothing", { userId: undefined, headers: {} }],
  ["a user of nobody", { userId: "stranger", headers: {} }],
  ["the fleet for somebody who said nothing", { userId: "loom", headers: { [SENDER_HEADER]: "" } }],
])("%s may send no jobs", (_, message) => {
  expect(() => tenantOfSender(message, "claimed", senders)).toThrow(
    expect.objectContaining({ code: "FORBIDDEN" }),
  );
});

test("who claims to send for another is not believed", () => {
  const message = { userId: "svc-acme", headers: { [SENDER_HEADER]: "loom" } };
  expect(senderOf(message, senders)).toBe("svc-acme");
});
