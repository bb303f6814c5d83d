/** The page in real Chromium, on the whole road: what it shows while jobs run, and that no event is lost. */
import type { JobEvent } from "@rabbitloom/protocol";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openBrowser } from "./support/browser.ts";
import {
  jobCard,
  openConsole,
  pasteWorkflow,
  runWorkflow,
  seenEvents,
} from "./support/console-page.ts";
import { openService, painting, type TestService } from "./support/service.ts";

let service: TestService;
let browser: Browser & AsyncDisposable;
beforeAll(async () => {
  browser = await openBrowser();
  service = await openService({ workers: 2 });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** The job's log as a reader outside the page gets it. */
async function logOf(jobId: string): Promise<string[]> {
  const log: string[] = [];
  for await (const event of service.client.watch(jobId)) log.push(lineOf(event));
  return log;
}

const lineOf = ({ attempt, seq, type }: JobEvent) => `${attempt}.${seq} ${type}`;

async function shownPicture(page: Page, selector: string) {
  const picture = () =>
    page
      .locator(selector)
      .first()
      .evaluate(async (image) => {
        if (!(image instanceof HTMLImageElement)) throw new Error("no picture");
        await image.decode();
        return { width: image.naturalWidth, height: image.naturalHeight, source: image.src };
      });
  // The next preview may take its place while it is decoded.
  return await vi.waitFor(picture, { timeout: 15_000 });
}

test("a run shows nodes, previews that change before the end, and the picture in the end", async () => {
  const page = await openConsole(browser, service.url);
  await pasteWorkflow(page, painting({ steps: 60, ms: 250 }));
  const jobId = await runWorkflow(page);
  const card = jobCard(page, jobId);

  await card.locator(".preview img").waitFor();
  const first = await shownPicture(page, ".preview img");
  expect(first).toMatchObject({ width: 64, height: 40 });
  await expect
    .poll(async () => (await shownPicture(page, ".preview img")).source)
    .not.toBe(first.source);
  expect(await card.getAttribute("data-state")).toBe("running");
  expect(await card.locator('.nodes [data-node="1"]').getAttribute("data-state")).toBe("finished");
  expect(await card.locator('.nodes [data-node="2"]').textContent()).toMatch(/Paint\d+ \/ 60/);

  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  expect(await shownPicture(page, ".output img")).toMatchObject({ width: 64, height: 40 });
  expect(await seenEvents(page, jobId)).toEqual(await logOf(jobId));
  await page.context().close();
});

test("over a reload in mid-job the events seen are the job's log, none missing and none twice", async () => {
  const page = await openConsole(browser, service.url);
  await pasteWorkflow(page, painting({ steps: 120, ms: 80 }));
  const jobId = await runWorkflow(page);
  const card = jobCard(page, jobId);
  await card.locator('.events [data-type="node-preview"]').nth(4).waitFor({ state: "attached" });

  const before = await seenEvents(page, jobId);
  await page.reload();
  await card.waitFor();
  expect(await card.getAttribute("data-state")).not.toBe("succeeded");
  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();

  const after = await seenEvents(page, jobId);
  const log = await logOf(jobId);
  expect(before.length).toBeGreaterThan(5);
  expect(before.length).toBeLessThan(log.length);
  expect([...new Set([...before, ...after])]).toEqual(log);
  expect(after).toEqual(log);
  // The page kept what it knew of the workflow, too.
  expect(await card.locator("h3").textContent()).toBe("Pasted workflow");
  expect(await card.locator('.nodes [data-node="2"]').textContent()).toContain("Paint");
  await page.context().close();
});

test("a second tab that comes late, and a stranger with a link, get the whole log", async () => {
  const page = await openConsole(browser, service.url);
  await pasteWorkflow(page, painting({ steps: 20, ms: 80 }));
  const jobId = await runWorkflow(page);
  const previews = jobCard(page, jobId).locator('.events [data-type="node-preview"]');
  await previews.nth(8).waitFor({ state: "attached" });

  const tab = await page.context().newPage();
  await tab.goto(service.url);
  const stranger = await openConsole(browser, `${service.url}/#job=${jobId}`);
  for (const each of [page, tab, stranger]) {
    await each.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  }

  const log = await logOf(jobId);
  for (const each of [page, tab, stranger]) expect(await seenEvents(each, jobId)).toEqual(log);
  await Promise.all([page.context().close(), stranger.context().close()]);
});

test("several jobs run at once, each with its own events", async () => {
  const page = await openConsole(browser, service.url);
  await pasteWorkflow(page, painting({ steps: 8, ms: 60 }));
  const ids: string[] = [];
  for (let count = 0; count < 4; count++) ids.push(await runWorkflow(page));
  expect(new Set(ids).size).toBe(4);
  for (const id of ids) {
    await page.locator(`[data-job="${id}"][data-state="succeeded"]`).waitFor();
    expect(await seenEvents(page, id)).toEqual(await logOf(id));
  }
  await page.context().close();
});

test("where WebSockets are blocked the page is told by server-sent events", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const streams: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/events")) streams.push(request.url());
  });
  await page.routeWebSocket("**/stomp", (socket) => socket.close());
  await page.goto(service.url);
  await pasteWorkflow(page, painting({ steps: 10, ms: 100 }));
  const jobId = await runWorkflow(page);
  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  expect(streams).toEqual([`${service.url}/api/v1/jobs/${jobId}/events`]);
  expect(await seenEvents(page, jobId)).toEqual(await logOf(jobId));
  await context.close();
});

test("a gateway that is killed and comes back in mid-job costs the page no event", async () => {
  const first = await service.startGateway();
  const page = await openConsole(browser, first.url);
  await pasteWorkflow(page, painting({ steps: 40, ms: 150 }));
  const jobId = await runWorkflow(page);
  const previews = jobCard(page, jobId).locator('.events [data-type="node-preview"]');
  await previews.nth(3).waitFor({ state: "attached" });

  await first.kill("SIGKILL");
  const seenWhileAway = (await seenEvents(page, jobId)).length;
  await service.startGateway({ PORT: new URL(first.url).port });

  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  const log = await logOf(jobId);
  expect(seenWhileAway).toBeLessThan(log.length);
  expect(await seenEvents(page, jobId)).toEqual(log);
  await page.context().close();
});
