/** An engine with one good checkpoint, for prompts that fail as they should and leave it able to make pictures. */
import path from "node:path";
import type { Prompt } from "@rabbitloom/protocol";
import { expect } from "vitest";
import type { EngineOptions } from "../../src/process/engine.ts";
import { openEngine } from "../../src/process/open-engine.ts";
import { checkpointBytes, layoutOf, openFolder } from "./random-checkpoint.ts";
import { txt2img } from "./txt2img.ts";

/** Under checkpoints. */
export const GOOD = "good.safetensors";
export const goodBytes = checkpointBytes(layoutOf("sd1"));

export interface Failure {
  /** The node that is to blame. */
  readonly node: string;
  readonly message: RegExp;
  /** @default "MODEL_INVALID" */
  readonly code?: string;
}

export async function openFailingJobs(options: EngineOptions = {}) {
  const folder = await openFolder();
  await folder.write(`checkpoints/${GOOD}`, goodBytes);
  const engine = await openEngine({
    models: folder.folder,
    input: path.join(folder.folder, "input"),
    output: path.join(folder.folder, "output"),
    ...options,
  });
  let jobs = 0;

  async function run(prompt: Prompt) {
    jobs += 1;
    const texts: string[] = [];
    const outcome = await engine.run({
      jobId: String(jobs),
      prompt,
      onEvent: (event) => {
        if (event.type === "node-text") texts.push(event.text);
      },
    });
    return { ...outcome, texts };
  }

  return {
    write: folder.write,
    run,
    /** Then the same process makes a picture. */
    async expectFailure(prompt: Prompt, { node, message, code = "MODEL_INVALID" }: Failure) {
      const { pid } = engine;
      const { error } = await run(prompt);
      expect(error).toMatchObject({ code, node: { nodeId: node } });
      expect(error?.message).toMatch(message);
      expect(await run(txt2img(GOOD, { seed: jobs }))).toMatchObject({ state: "succeeded" });
      expect(engine.pid).toBe(pid);
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export type FailingJobs = Awaited<ReturnType<typeof openFailingJobs>>;
