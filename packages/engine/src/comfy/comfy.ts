import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { ExtraData } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import type { Engine, EngineCatalog, EngineOptions, FreeOptions } from "../process/engine.ts";
import { openEngine } from "../process/open-engine.ts";
import { type ComfyOutputs, outputsWithPaths } from "./outputs.ts";
import { failureOf } from "./prompt-errors.ts";
import { createTask, type PromptTask } from "./prompt-task.ts";
import { createSlots } from "./slots.ts";

export interface ComfyOptions extends EngineOptions {
  /** Prompts that run side by side; the others wait in the order they came. @default 1 */
  readonly concurrency?: number;
}

export interface PromptOptions {
  /** Only these output nodes and what they need. */
  readonly targets?: readonly string[];
  /** `extra_pnginfo` and whatever else nodes may ask for. */
  readonly extraData?: ExtraData;
  /** Cancels the prompt; the result rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs ComfyUI workflows inside a Node program: no server, no broker. The engine starts with the first prompt and
 * is gone, with its temporary files, when the `Comfy` is disposed. An idle one does not keep the program alive.
 */
export class Comfy implements AsyncDisposable {
  readonly #options: EngineOptions;
  readonly #slots: ReturnType<typeof createSlots>;
  readonly #closing = new AbortController();
  readonly #unfinished = new Set<Promise<unknown>>();
  #engine: Promise<Engine> | undefined;

  constructor({ concurrency = 1, ...options }: ComfyOptions = {}) {
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new CodedError("INVALID_REQUEST", `concurrency must be 1 or more, got ${concurrency}`);
    }
    // Every unfinished prompt listens, however many there are.
    setMaxListeners(0, this.#closing.signal);
    this.#options = options;
    this.#slots = createSlots(concurrency);
  }

  /**
   * Runs a graph (API form or as the editor saves it, an object or JSON text) and gives what its output nodes show,
   * by node id; files come with `abs_path`. Throws PromptRefusedError, PromptFailedError, or the signal's reason.
   */
  queuePrompt(prompt: unknown, options?: PromptOptions): Promise<ComfyOutputs> {
    return this.queueWithProgress(prompt, options).result();
  }

  /** The same with events on the way, and a way to stop it. */
  queueWithProgress(prompt: unknown, options: PromptOptions = {}): PromptTask {
    const task = createTask(this.#closing.signal, options.signal, (run) =>
      this.#slots.use(run.signal, async () => {
        const engine = await this.#open();
        const outcome = await engine.run({
          jobId: randomUUID(),
          prompt,
          extraData: options.extraData ?? null,
          targets: options.targets ?? null,
          signal: run.signal,
          onEvent: run.onEvent,
        });
        if (outcome.state === "succeeded") return outputsWithPaths(outcome.outputs, engine.folders);
        throw failureOf(outcome, run.signal);
      }),
    );
    const finished = task.result().then(
      () => {},
      () => {},
    );
    this.#unfinished.add(finished);
    void finished.then(() => this.#unfinished.delete(finished));
    return task;
  }

  /** The node classes and models that prompts may use. */
  async catalog(): Promise<EngineCatalog> {
    return (await this.#open()).catalog();
  }

  /** Closes loaded models and drops cached results. */
  async free(options?: FreeOptions): Promise<void> {
    await (await this.#engine)?.free(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new CodedError("JOB_CANCELLED", "the Comfy was disposed"));
    await Promise.all(this.#unfinished);
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<Engine> {
    if (this.#closing.signal.aborted) throw new CodedError("CONFLICT", "the Comfy is disposed");
    this.#engine ??= openEngine(this.#options);
    try {
      return await this.#engine;
    } catch (cause) {
      // The reason may pass (a folder that appears): the next prompt tries again.
      this.#engine = undefined;
      throw cause;
    }
  }
}
