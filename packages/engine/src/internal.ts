/** What measurements look at. Nothing here is promised to stay. */
export type { Feeds, Network, Runtime } from "./ort/runtime.ts";
export { openInlineEngine } from "./process/inline-engine.ts";
