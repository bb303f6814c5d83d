/** A page of another site, in real Chromium, with nothing but fetch. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./support/browser.ts";
import { openService, type TestService } from "./support/service.ts";

let service: TestService;
let browser: Browser & AsyncDisposable;
let site: { readonly origin: string } & AsyncDisposable;
beforeAll(async () => {
  browser = await openBrowser();
  site = await openSite();
  service = await openService({ gateway: { CORS_ORIGIN: site.origin } });
}, 180_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** Serves the example, from an origin that is not the gateway's. */
async function openSite() {
  const page = await readFile(new URL("../examples/07-browser-fetch.html", import.meta.url));
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8").end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a page of another origin runs a workflow by fetch, and shows the blob that comes back", async () => {
  const page = await browser.newPage();
  await page.goto(`${site.origin}/?gateway=${encodeURIComponent(service.url)}`);
  await page.locator("p", { hasText: /./ }).waitFor();
  expect(await page.locator("p").textContent()).toMatch(/^320 x 200 \/api\/v1\/prompts\/[\w-]+$/);
  await page.close();
});

test("a page reads the headers that it needs to come back for its job", async () => {
  const page = await browser.newPage();
  await page.goto(`${site.origin}/?gateway=http://127.0.0.1:1`);
  const seen = await page.evaluate(async (url) => {
    const prompt = { 1: { class_type: "ToyText", inputs: { text: "x" } } };
    const post = () =>
      fetch(`${url}/api/v1/prompts`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          prefer: "respond-async",
          "idempotency-key": "from-a-page",
        },
        body: JSON.stringify(prompt),
      });
    await post();
    const { status, headers } = await post();
    return [
      status,
      headers.get("location"),
      headers.get("retry-after"),
      headers.get("preference-applied"),
      headers.get("idempotent-replayed"),
    ];
  }, service.url);
  expect(seen.slice(0, 3)).toEqual([202, "/api/v1/prompts/from-a-page", "1"]);
  expect(seen[4]).toBe("true");
  await page.close();
});

test("/docs draws every operation, and asks no other site for anything", async () => {
  const page = await browser.newPage();
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(service.url) && !request.url().startsWith("data:")) {
      foreign.push(request.url());
    }
  });
  await page.goto(`${service.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  expect(await page.locator(".opblock-summary-path").allTextContents()).toContain(
    "/api/v1/prompts",
  );
  expect(foreign).toEqual([]);
  await page.close();
});
