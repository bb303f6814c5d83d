/** The page in real Chromium before a gateway that asks for keys. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./support/browser.ts";
import { jobCard, openConsole, runWorkflow } from "./support/console-page.ts";
import { openService, type TestService } from "./support/service.ts";

let service: TestService;
let browser: Browser & AsyncDisposable;
beforeAll(async () => {
  browser = await openBrowser();
  service = await openService({ gateway: { AUTH: "required" } });
}, 120_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

test("the page asks for a key, works with it, and asks again when it is revoked", async () => {
  const { key, secret } = await service.fleet.store.keys.create({
    tenant: "acme",
    scopes: ["submit", "read-own"],
  });
  const page = await openConsole(browser, service.url);
  const entry = page.getByLabel("This fleet asks for a key");
  const enter = page.getByRole("button", { name: "Enter" });
  await entry.fill("loom_nonsense");
  await enter.click();
  await page.getByText("The gateway does not know this key").waitFor();
  expect(await page.getByRole("button", { name: "Run", exact: true }).count()).toBe(0);

  await entry.fill(secret);
  await enter.click();
  await page.getByRole("button", { name: "Blend two colours" }).click();
  const jobId = await runWorkflow(page);
  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  const width = await jobCard(page, jobId)
    .locator(".output img")
    .evaluate(async (image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("no picture");
      await image.decode();
      return image.naturalWidth;
    });
  expect(width).toBeGreaterThan(0);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(secret);

  await service.fleet.store.keys.revoke(key.id);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await entry.waitFor();
  await page.context().close();
}, 120_000);
