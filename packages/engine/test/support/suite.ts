import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EngineEvent } from "@rabbitloom/protocol";
import sharp from "sharp";
import * as z from "zod";
import { nodes } from "../../../../test/node-packs/comfyui-execution/index.ts";
import type { RunOutcome } from "../../src/execute/outcome.ts";
import type { CachePolicy } from "../../src/execute/result-cache.ts";
import type { EngineJob } from "../../src/process/engine.ts";
import { openEngine } from "../../src/process/open-engine.ts";
import { promptOf, type ShortGraph } from "./run-graph.ts";

/** An engine with ComfyUI's own nodes and those of its execution suite. */
export interface Suite extends AsyncDisposable {
  /** A graph in short, or the JSON text of one where 5 and 5.0 must differ. */
  run(graph: ShortGraph | string, options?: SuiteRunOptions): Promise<SuiteRun>;
}

export type SuiteRunOptions = Pick<EngineJob, "targets" | "signal" | "onEvent">;

export interface SuiteRun extends RunOutcome {
  readonly events: readonly EngineEvent[];
  /** Whether the node was started, as the suite sees it. */
  didRun(id: string): boolean;
  wasCached(id: string): boolean;
  /** Mean 8-bit value of each picture that the node saved. */
  pixels(id: string): Promise<number[]>;
  /** The JSON text under `prompt` in the first picture that the node saved. */
  promptText(id: string): Promise<string>;
}

const shownSchema = z.object({
  images: z.array(
    z.object({
      filename: z.string(),
      subfolder: z.string(),
      type: z.enum(["output", "temp", "input"]),
    }),
  ),
});

export async function openSuite(cache: CachePolicy = { kind: "classic" }): Promise<Suite> {
  const root = await mkdtemp(path.join(tmpdir(), "execution-suite-"));
  const folder = (name: string) => path.join(root, name);
  const engine = await openEngine({
    inline: true,
    nodes,
    cache,
    input: folder("input"),
    output: folder("output"),
    temp: folder("temp"),
  });
  let count = 0;

  async function promptText({ outputs }: RunOutcome, id: string): Promise<string> {
    const { images } = shownSchema.parse(outputs[id]);
    const [first] = images;
    if (first === undefined) throw new Error(`node ${id} saved nothing`);
    const bytes = await readFile(path.join(folder(first.type), first.subfolder, first.filename));
    const keyword = "tEXtprompt\0";
    const start = bytes.indexOf(keyword);
    // A chunk is its length, its kind, its content and a checksum.
    const length = bytes.readUInt32BE(start - 4) - keyword.length + "tEXt".length;
    return bytes.toString("latin1", start + keyword.length, start + keyword.length + length);
  }

  async function pixels({ outputs }: RunOutcome, id: string): Promise<number[]> {
    const { images } = shownSchema.parse(outputs[id]);
    return Promise.all(
      images.map(async ({ filename, subfolder, type }) => {
        const { channels } = await sharp(path.join(folder(type), subfolder, filename)).stats();
        return Math.round(channels.reduce((sum, { mean }) => sum + mean, 0) / channels.length);
      }),
    );
  }

  return {
    async run(graph, options = {}) {
      count += 1;
      const events: EngineEvent[] = [];
      const outcome = await engine.run({
        jobId: `job-${count}`,
        prompt: typeof graph === "string" ? graph : promptOf(graph),
        ...options,
        onEvent: (event) => {
          events.push(event);
          options.onEvent?.(event);
        },
      });
      return {
        ...outcome,
        events,
        didRun: (id) => events.some((event) => event.type === "node-start" && event.nodeId === id),
        wasCached: (id) =>
          events.some((event) => event.type === "nodes-cached" && event.nodeIds.includes(id)),
        pixels: (id) => pixels(outcome, id),
        promptText: (id) => promptText(outcome, id),
      };
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Whether all of these nodes were under way before the first of them ended. */
export function overlapped({ events }: SuiteRun, ids: readonly string[]): boolean {
  const positions = (type: string) =>
    ids.map((id) =>
      events.findIndex((event) => event.type === type && "nodeId" in event && event.nodeId === id),
    );
  const [starts, ends] = [positions("node-start"), positions("node-end")];
  return !starts.includes(-1) && !ends.includes(-1) && Math.max(...starts) < Math.min(...ends);
}

type Content = "WHITE" | "BLACK" | "NOISE";

export function stubImage(content: Content, size = 32, batch_size = 1) {
  return ["StubImage", { content, height: size, width: size, batch_size }] as const;
}

export function stubMask(value: number, size = 32) {
  return ["StubMask", { value, height: size, width: size, batch_size: 1 }] as const;
}

export function mix(image1: string, image2: string, mask: string) {
  return [
    "TestLazyMixImages",
    { image1: [image1, 0], image2: [image2, 0], mask: [mask, 0] },
  ] as const;
}

export function save(id: string, slot = 0) {
  return ["SaveImage", { images: [id, slot], filename_prefix: "suite" }] as const;
}

export function preview(id: string, slot = 0) {
  return ["PreviewImage", { images: [id, slot] }] as const;
}
