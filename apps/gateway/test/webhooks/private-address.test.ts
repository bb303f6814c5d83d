import { expect, test } from "vitest";
import { checkWebhook } from "../../src/webhooks/check-webhook.ts";
import { isPrivateAddress } from "../../src/webhooks/private-address.ts";

test.each([
  "127.0.0.1",
  "127.9.9.9",
  "10.1.2.3",
  "172.31.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "255.255.255.255",
  "::1",
  "::",
  "[::1]",
  "fe80::1%eth0",
  "fd00::1",
  "::ffff:127.0.0.1",
  "::ffff:a9fe:a9fe",
  "64:ff9b::7f00:1",
  "2002:7f00:1::",
  "::ffff:0:7f00:1",
  "::127.0.0.1",
  "0:0:0:0:0:ffff:7f00:1",
  "3fff::1",
  "5f00::1",
  "127.1",
  "2130706433",
  "not an address",
])("%s is not of the public internet", (address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

test.each(["1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])(
  "%s is of the public internet",
  (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  },
);

test.each([
  "http://127.0.0.1/x",
  "http://2130706433/",
  "http://0x7f.1/",
  "http://[::1]:8080/",
  "http://localhost:9/",
  "http://LOCALHOST./",
  "http://a.localhost/",
  "http://017700000001/",
  "http://127.1/",
  "http://[::ffff:7f00:1]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://\u2460\u2461\u2466.0.0.1/",
  "http://169.254.169.254/latest/meta-data/",
  "https://user:password@example.org/",
])("a job may not name %s", (url) => {
  expect(() => checkWebhook({ url }, { allowsPrivate: false })).toThrow(/webhook\.url: expected/);
});
