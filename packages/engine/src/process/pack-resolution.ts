import { register } from "node:module";

/**
 * Lets node packs import "@rabbitloom/engine" wherever they lie: where a pack has no copy of its own, it gets
 * this one. Only for the engine's own process: the hook holds for everything that is loaded afterwards.
 */
export function letPacksFindEngine(): void {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const engine = new URL(`../index.${extension}`, import.meta.url).href;
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`, { data: { engine } });
}

const HOOK = `
let engine;
export function initialize(data) { engine = data.engine; }
export async function resolve(specifier, context, next) {
  if (specifier !== "@rabbitloom/engine") return next(specifier, context);
  try {
    return await next(specifier, context);
  } catch {
    // Through the other hooks: from source, one of them reads TypeScript.
    return next(engine, context);
  }
}
`;
