/** The page in real Chromium: bringing workflows in, changing them, and what it says when something is wrong. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openBrowser } from "./support/browser.ts";
import { jobCard, openConsole, pasteWorkflow, runWorkflow } from "./support/console-page.ts";
import { openService, painting, type TestService } from "./support/service.ts";

let service: TestService;
let browser: Browser & AsyncDisposable;
let page: Page;
beforeAll(async () => {
  browser = await openBrowser();
  service = await openService();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});
beforeEach(async () => {
  page = await openConsole(browser, service.url);
});
afterEach(() => page.context().close());

const run = () => page.getByRole("button", { name: "Run", exact: true });
const field = (label: string) => page.getByRole("textbox", { name: label, exact: true });
const ended = (jobId: string, state: string) =>
  page.locator(`[data-job="${jobId}"][data-state="${state}"]`).waitFor();

test("the page comes from the gateway alone: no font, script or picture from elsewhere", async () => {
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.reload({ waitUntil: "networkidle" });
  expect(requests.length).toBeGreaterThan(2);
  expect(requests.filter((url) => !url.startsWith(service.url))).toEqual([]);
});

test("an example runs as it is", async () => {
  await page.getByRole("button", { name: "Blend two colours" }).click();
  const jobId = await runWorkflow(page);
  await ended(jobId, "succeeded");
  const alt = await jobCard(page, jobId).locator(".output img").getAttribute("alt");
  expect(alt).toBe("Result of Save");
});

test("a workflow can be chosen as a file, its values changed, and the change is what runs", async () => {
  await page.locator(".intake input[type=file]").setInputFiles({
    name: "my painting.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(painting({ steps: 2, ms: 10 }))),
  });
  await field("width").fill("96");
  await field("width").blur();
  const jobId = await runWorkflow(page);
  await ended(jobId, "succeeded");
  const card = jobCard(page, jobId);
  expect(await card.locator("h3").textContent()).toBe("my painting");
  const width = await card.locator(".output img").evaluate(async (image) => {
    if (!(image instanceof HTMLImageElement)) throw new Error("no picture");
    await image.decode();
    return image.naturalWidth;
  });
  expect(width).toBe(96);
});

test("a picture is sent to the fleet and used by the run", async () => {
  await page.getByRole("button", { name: "Scale and sharpen a picture" }).click();
  const picture = await service.client.submit(painting({ steps: 1, ms: 1 }));
  const [file] = (await picture.result()).files;
  const buffer = Buffer.from((await file?.bytes()) ?? []);
  await page
    .locator(".image-field input[type=file]")
    .setInputFiles({ name: "mine.png", mimeType: "image/png", buffer });
  await page.locator('.image-field img[alt="mine.png"]').waitFor();
  const jobId = await runWorkflow(page);
  await ended(jobId, "succeeded");
  const size = await jobCard(page, jobId)
    .locator(".output img")
    .evaluate(async (image) => {
      if (!(image instanceof HTMLImageElement)) throw new Error("no picture");
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    });
  expect(size).toEqual([128, 80]);
});

test("what is wrong with a node stands at that node, at the value, and in one list", async () => {
  await pasteWorkflow(page, painting());
  await field("width").fill("0");
  await field("width").blur();
  await run().click();
  const notice = page.locator(".notice");
  await notice.waitFor();
  expect(await notice.textContent()).toBe(
    "One node is not right.Canvas #1: Value 0 smaller than min of 1: width",
  );
  expect(await field("width").getAttribute("aria-invalid")).toBe("true");
  const describedBy = await field("width").getAttribute("aria-describedby");
  expect(await page.locator(`[id="${describedBy}"]`).textContent()).toContain("smaller than min");
  expect(await page.locator("[data-job]").count()).toBe(0);

  await field("width").fill("32");
  await field("width").blur();
  expect(await notice.count()).toBe(0);
  await ended(await runWorkflow(page), "succeeded");
});

test.each([
  ["{ not JSON", "This is not JSON"],
  ['{"a": 1}', "This is JSON, but not a workflow"],
  ["[]", "an object is expected"],
])("pasting %j says what is wrong and keeps the page as it was", async (text, message) => {
  await pasteWorkflow(page, text);
  const alert = page.locator(".intake [role=alert]");
  await alert.waitFor();
  expect(await alert.textContent()).toContain(message);
  expect(await run().count()).toBe(0);
});

test("a class that no worker has is named", async () => {
  await pasteWorkflow(page, { "1": { class_type: "NoSuchNode", inputs: {} } });
  await run().click();
  const notice = page.locator(".notice");
  await notice.waitFor();
  expect(await notice.textContent()).toContain("NoSuchNode");
});

test("a node that fails is marked, with its own words", async () => {
  await pasteWorkflow(page, {
    "1": {
      class_type: "ToyFail",
      inputs: { message: "the brush broke" },
      _meta: { title: "Brush" },
    },
  });
  const jobId = await runWorkflow(page);
  await ended(jobId, "failed");
  const card = jobCard(page, jobId);
  expect(await card.locator('.nodes [data-node="1"]').getAttribute("data-state")).toBe("error");
  const notice = card.locator(".notice");
  expect(await notice.locator("strong").textContent()).toBe("Brush failed.");
  expect(await notice.locator("p").textContent()).toBe("the brush broke");
  expect(await notice.getAttribute("data-code")).toBe("NODE_FAILED");
});

test("a running job is cancelled, and the page says so", async () => {
  await pasteWorkflow(page, painting({ steps: 300, ms: 50 }));
  const jobId = await runWorkflow(page);
  const card = jobCard(page, jobId);
  await card.locator(".preview img").waitFor();
  await card.getByRole("button", { name: "Cancel" }).click();
  await ended(jobId, "cancelled");
  expect(await card.locator(".state").textContent()).toBe("Cancelled");
  expect(await card.locator("progress").count()).toBe(0);
});

test("a job is taken off the page and stays off over a reload", async () => {
  await pasteWorkflow(page, painting({ steps: 1, ms: 1 }));
  const jobId = await runWorkflow(page);
  await ended(jobId, "succeeded");
  await jobCard(page, jobId).getByRole("button", { name: "Remove" }).click();
  await page.reload();
  await page.getByText("Jobs appear here").waitFor();
  // The workflow itself is still there.
  expect(await field("width").inputValue()).toBe("64");
});

test("a seed of 64 bits comes out of the page as it went in", async () => {
  const sent: string[] = [];
  await page.route("**/api/v1/prompts", async (route) => {
    sent.push(route.request().postData() ?? "");
    await route.fulfill({ status: 503, json: { code: "BROKER_UNAVAILABLE", detail: "away" } });
  });
  const text = '{"1": {"class_type": "X", "inputs": {"seed": 18446744073709551615, "steps": 20}}}';
  await pasteWorkflow(page, text);
  expect(await field("seed").inputValue()).toBe("18446744073709551615");
  await page.reload();
  await run().click();
  await page.getByText("trying again may help").waitFor();
  await field("seed").fill("9007199254740993");
  await field("seed").blur();
  await run().click();
  await expect.poll(() => sent.length).toBe(2);
  expect(sent[0]).toContain('"seed":18446744073709551615,"steps":20');
  expect(sent[1]).toContain('"seed":9007199254740993,"steps":20');
});

test("everything is done from the keyboard: an example, a value, a run, the event log", async () => {
  const press = async (key: string, times = 1) => {
    for (let count = 0; count < times; count++) await page.keyboard.press(key);
  };
  const focused = () =>
    page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id);
  await press("Tab", 4);
  expect(await focused()).toBe("Blend two colours");
  await press("Enter");
  await page.getByRole("group", { name: "Blend ImageBlend" }).getByLabel("blend factor").focus();
  await press("Control+a");
  await page.keyboard.type("0.25");
  const sent = page.waitForRequest("**/api/v1/prompts");
  await press("Control+Enter");
  expect((await sent).postDataJSON()).toMatchObject({
    prompt: { "3": { inputs: { blend_factor: 0.25 } } },
  });
  await page.locator('[data-job][data-state="succeeded"]').waitFor();
  await page.locator(".events summary").focus();
  await press("Space");
  expect(await page.locator(".events li").first().isVisible()).toBe(true);
});

test("what is being typed stands while jobs change the page, and only numbers leave the field", async () => {
  await pasteWorkflow(page, painting({ steps: 4_000, ms: 20 }));
  const jobId = await runWorkflow(page);
  await jobCard(page, jobId).locator(".preview img").waitFor();
  await field("width").focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  expect(await field("width").inputValue()).toBe("");
  await page.keyboard.type("1.2e2", { delay: 150 });
  expect(await field("width").inputValue()).toBe("1.2e2");
  await field("width").blur();
  expect(await field("width").inputValue()).toBe("120");

  await page.getByText("JSON", { exact: true }).click();
  const source = page.getByLabel("The workflow as JSON");
  await source.focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type('{"7": {"class_type": "ToyText", "inputs": {"text": "typed"}}', {
    delay: 10,
  });
  expect(await page.locator(".source [role=alert]").textContent()).toContain("not JSON");
  await page.keyboard.type("}");
  await jobCard(page, jobId).getByRole("button", { name: "Cancel" }).click();
  const typedId = await runWorkflow(page);
  await ended(typedId, "succeeded");
  expect(await jobCard(page, typedId).locator(".outputs pre").textContent()).toBe("typed");
});

test("the editor's own form runs: the gateway converts it", async () => {
  const saved = await readFile(
    fileURLToPath(new URL("./fixtures/editor-workflow.json", import.meta.url)),
    "utf8",
  );
  await pasteWorkflow(page, saved);
  await page.getByText("Saved by the editor").waitFor();
  await ended(await runWorkflow(page), "succeeded");
});

test("on a phone nothing is wider than the screen", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await pasteWorkflow(page, painting({ steps: 2, ms: 10 }));
  const jobId = await runWorkflow(page);
  await ended(jobId, "succeeded");
  await jobCard(page, jobId).locator(".events summary").click();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
});
