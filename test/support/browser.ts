import { type Browser, chromium } from "playwright-core";
import { ensureConsole } from "../../apps/loom/src/install/build-console.ts";
import { findChromium } from "../../apps/loom/src/install/system-packages.ts";

/** The system's Chromium, headless, with the console built from its sources as they are now. */
export async function openBrowser(
  flags: readonly string[] = [],
): Promise<Browser & AsyncDisposable> {
  await ensureConsole();
  const browser = await chromium.launch({
    executablePath: await findChromium(),
    // Its sandbox does not start as root, which is who runs tests in containers.
    args: [...flags, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
  });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}
