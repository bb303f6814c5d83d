import type { Browser, Locator, Page } from "playwright-core";

/** The page in a browser context of its own. An error that nobody caught fails the test by `pageErrors`. */
export async function openConsole(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

/** As Ctrl+V does where no field has the focus. */
export async function pasteWorkflow(page: Page, workflow: object | string): Promise<void> {
  const text = typeof workflow === "string" ? workflow : JSON.stringify(workflow);
  await page.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, text);
}

/** Presses Run and gives the id of the job that appears. */
export async function runWorkflow(page: Page): Promise<string> {
  const known = await jobIds(page);
  await page.getByRole("button", { name: "Run", exact: true }).click();
  for (;;) {
    const fresh = (await jobIds(page)).find((id) => !known.includes(id));
    if (fresh !== undefined) return fresh;
    await page.locator("[data-job]").nth(known.length).waitFor();
  }
}

export function jobCard(page: Page, jobId: string): Locator {
  return page.locator(`[data-job="${jobId}"]`);
}

/** The rows of a job's event log, as `attempt.seq type`, in the order in which they stand there. */
export async function seenEvents(page: Page, jobId: string): Promise<string[]> {
  const rows = jobCard(page, jobId).locator(".events li");
  return await rows.evaluateAll((elements) =>
    elements.map((row) => {
      const fact = (name: string) => row.getAttribute(`data-${name}`);
      return `${fact("attempt")}.${fact("seq")} ${fact("type")}`;
    }),
  );
}

async function jobIds(page: Page): Promise<string[]> {
  const ids = await page
    .locator("[data-job]")
    .evaluateAll((cards) => cards.map((card) => card.getAttribute("data-job")));
  return ids.filter((id) => id !== null);
}
