/** A sampling of the model in the box as people see it: previews that sharpen in the page, and a cancel that is obeyed. */
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { openBrowser } from "./support/browser.ts";
import { jobCard, openConsole, pasteWorkflow, runWorkflow } from "./support/console-page.ts";
import { openService, type TestService } from "./support/service.ts";

const file = new URL("../examples/workflows/text-to-image.json", import.meta.url);
const SAMPLER = "5";
let service: TestService;
let browser: Browser & AsyncDisposable;
beforeAll(async () => {
  browser = await openBrowser();
  service = await openService({ worker: { MODELS_DIR: "models" } });
}, 120_000);
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** The example with other inputs, wherever a node has them. */
async function textToImage(changed: Readonly<Record<string, unknown>>) {
  const nodes = z.record(
    z.string(),
    z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }),
  );
  const prompt = nodes.parse(JSON.parse(await readFile(file, "utf8")));
  for (const { inputs } of Object.values(prompt)) {
    for (const [name, value] of Object.entries(changed)) if (name in inputs) inputs[name] = value;
  }
  return prompt;
}

/** Keeps every picture that the page shows as a preview, reduced to 16 x 16 as RGBA, in the order in which they come. */
async function recordPreviews(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Promise<number[] | undefined>[] = [];
    let last = "";
    new MutationObserver(() => {
      const image = document.querySelector<HTMLImageElement>(".preview img");
      if (image === null || image.src === last) return;
      last = image.src;
      seen.push(reduced(image.src).catch(() => undefined)); // one that the next has replaced already
    }).observe(document.body, { subtree: true, childList: true, attributeFilter: ["src"] });

    async function reduced(url: string): Promise<number[]> {
      const bitmap = await createImageBitmap(await (await fetch(url)).blob(), {
        resizeWidth: 16,
        resizeHeight: 16,
        resizeQuality: "high",
      });
      const context = new OffscreenCanvas(16, 16).getContext("2d");
      if (context === null) throw new Error("no canvas");
      context.drawImage(bitmap, 0, 0);
      return [...context.getImageData(0, 0, 16, 16).data];
    }
    Object.assign(window, { reduced, seenPreviews: () => Promise.all(seen) });
  });
}

/** How far each preview was from the picture that came out: the root of the mean squared difference of a channel. */
async function previewDistances(page: Page): Promise<number[]> {
  const pixels = z.array(z.number());
  const recorded = await page.evaluate("seenPreviews()");
  const url = await page.locator(".output img").first().getAttribute("src");
  const final = pixels.parse(await page.evaluate(`reduced(${JSON.stringify(url)})`));
  return z
    .array(pixels.optional())
    .parse(recorded)
    .flatMap((preview) => (preview === undefined ? [] : [distance(preview, final)]));
}

function distance(one: readonly number[], other: readonly number[]): number {
  const squares = one.reduce((sum, value, i) => sum + (value - (other[i] ?? 0)) ** 2, 0);
  return Math.sqrt(squares / one.length);
}

test("the page shows previews that come closer and closer to the picture", async () => {
  const page = await openConsole(browser, service.url);
  page.setDefaultTimeout(120_000);
  await recordPreviews(page);
  // Long enough for some pictures also where they are found to be dear: a busy machine's steps are long ones.
  await pasteWorkflow(page, await textToImage({ steps: 30, width: 512, height: 512 }));
  const jobId = await runWorkflow(page);
  await page.locator(`[data-job="${jobId}"][data-state="succeeded"]`).waitFor();
  await jobCard(page, jobId).locator(".output img").waitFor();

  const distances = await previewDistances(page);
  expect(distances.length).toBeGreaterThanOrEqual(2);
  const half = Math.floor(distances.length / 2);
  const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  // Not down to 0: the linear map that draws previews is rougher than the decoder.
  expect(mean(distances.slice(half))).toBeLessThan(mean(distances.slice(0, half)));
  expect(distances.at(-1)).toBeLessThan((distances[0] ?? 0) * 0.85);
  await page.context().close();
}, 180_000);

test("a sampling that is cancelled says at most one more step", async () => {
  // Steps long beside the way that a cancellation travels.
  const job = await service.client.submit(
    await textToImage({ steps: 500, width: 768, height: 768 }),
  );
  let [said, saidAtCancel] = [0, 0];
  let answered = false;
  let cancelling: Promise<void> | undefined;
  for await (const event of job.events()) {
    if (event.type !== "node-progress" || event.nodeId !== SAMPLER) continue;
    said = Math.max(said, event.value);
    if (!answered) saidAtCancel = said;
    if (said === 2) {
      cancelling ??= job.cancel().then(() => {
        answered = true;
      });
    }
  }
  await cancelling;
  expect(await service.client.job(job.id)).toMatchObject({ state: "cancelled" });
  expect(saidAtCancel).toBeGreaterThanOrEqual(2);
  expect(said - saidAtCancel).toBeLessThanOrEqual(1);
}, 180_000);
