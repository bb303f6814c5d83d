/** Somebody's built frontend at `/`, in real Chromium, with the console beside it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runTool } from "../apps/loom/src/install/run-tool.ts";
import { openBrowser } from "./support/browser.ts";
import { openConsole, runWorkflow } from "./support/console-page.ts";
import { openService, type TestService } from "./support/service.ts";

const source = fileURLToPath(new URL("fixtures/front-end", import.meta.url));
const withVite = fileURLToPath(new URL("../apps/console", import.meta.url));

let folder: string;
let service: TestService;
let browser: Browser & AsyncDisposable;
let page: Page;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loom-front-end-"));
  const options = ["--outDir", folder, "--base", "./", "--logLevel", "error"];
  expect(await runTool("vite", ["build", source, ...options], withVite)).toBe(0);
  browser = await openBrowser();
  service = await openService({ gateway: { FRONT_END_ROOT: folder } });
}, 180_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  page = await openConsole(browser, service.url);
  return () => page.context().close();
});

test("a built frontend starts, queues a prompt, hears how it goes and shows the picture", async () => {
  const failed: string[] = [];
  page.on("response", (answer) => {
    if (answer.status() >= 400) failed.push(`${answer.status()} ${answer.url()}`);
  });
  await page.reload();
  expect(await page.title()).toBe("Small editor");
  await page.locator("#classes", { hasText: "known" }).waitFor();
  await page.locator("#theme", { hasText: "dark" }).waitFor();
  await page.locator("#status", { hasText: "connected" }).waitFor();

  await page.getByRole("button", { name: "Queue" }).click();
  const picture = page.locator("#pictures img");
  await picture.waitFor();
  const size = await picture.evaluate(async (image) => {
    if (!(image instanceof HTMLImageElement)) throw new Error("no picture");
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
  });
  expect(size).toEqual([48, 32]);
  await page.locator("#heard li", { hasText: "execution_success" }).waitFor();
  const heard = await page.locator("#heard li").allTextContents();
  expect(heard).toEqual(
    expect.arrayContaining(["execution_start", "executing", "progress", "b_preview", "executed"]),
  );
  const stored = await fetch(`${service.url}/api/userdata/workflows%2Flast.json`);
  expect(await stored.json()).toEqual({ prompt_id: expect.any(String) });
  expect(failed).toEqual([]);
});

test("the console is at /console/ beside it, and runs a workflow there", async () => {
  await page.goto(`${service.url}/console`);
  expect(page.url()).toBe(`${service.url}/console/`);
  await page.getByRole("button", { name: "Blend two colours" }).click();
  const jobId = await runWorkflow(page);
  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
});

test("a page of another name that leads to this machine drives nothing", async () => {
  const url = service.url.replace("127.0.0.1", "rebound.test");
  const { hostname } = new URL(url);
  await using rebound = await openBrowser([`--host-resolver-rules=MAP ${hostname} 127.0.0.1`]);
  const visitor = await rebound.newPage();
  const answer = await visitor.goto(`${url}/queue`);
  expect(answer?.status()).toBe(403);
  expect(await answer?.text()).toContain("ALLOWED_HOSTS");
});
