import { rm } from "node:fs/promises";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { attachWorkflow } from "@rabbitloom/workflow";
import { createGate } from "../execute/gate.ts";
import type { ExecutionHost } from "../execute/host.ts";
import { createNodeStates } from "../execute/node-states.ts";
import type { RunOutcome } from "../execute/outcome.ts";
import { createResultCache } from "../execute/result-cache.ts";
import { runPrompt } from "../execute/run-prompt.ts";
import { createFileAccess } from "../files/folders.ts";
import { createModelFiles, modelCatalog } from "../files/model-files.ts";
import { coreNodes } from "../nodes/core-nodes.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { loadPack } from "../nodes/load-pack.ts";
import { createRegistry, nodeCatalog } from "../nodes/registry.ts";
import { createLocalNames } from "../nodes/saving/local-names.ts";
import { chooseDevice } from "../ort/choose-device.ts";
import { createRuntime } from "../ort/runtime.ts";
import { checkPrompt, readPrompt, refusal, validationReport } from "./check-prompt.ts";
import type { Engine, EngineCatalog, EngineJob, EngineOptions } from "./engine.ts";
import { openFolders } from "./open-folders.ts";

const DEFAULT_MAX_EXPANDED_NODES = 200_000;

/** An engine in this process. */
export async function openInlineEngine(options: EngineOptions): Promise<Engine> {
  const folders = await openFolders(options);
  const modelRoots = rootsOf(options.models);
  const models = createModelFiles(modelRoots);
  const { packs, failedPacks } = await loadPacks(options.nodes ?? []);
  const { maxInputPixels } = options;
  const runtime = createRuntime({ device: await chooseDevice(options.device) });
  const registry = createRegistry(coreNodes({ maxInputPixels, runtime }), ...packs);
  const nodes = nodeCatalog(registry);
  const host: ExecutionHost = {
    registry,
    files: createFileAccess(folders),
    models,
    cache: createResultCache(options.cache ?? { kind: "classic" }),
    states: createNodeStates(),
    deviceGate: createGate(),
    maxExpandedNodes: options.maxExpandedNodes ?? DEFAULT_MAX_EXPANDED_NODES,
  };
  const localNames = createLocalNames((type) => folders[type]);
  const running = new Map<string, { readonly stop: AbortController; ended: Promise<unknown> }>();

  async function runJob(job: EngineJob, signal: AbortSignal): Promise<RunOutcome> {
    const { targets, extraData, onEvent = () => {}, allocateNames = localNames } = job;
    try {
      const read = readPrompt(nodes, job.prompt);
      if ("failure" in read) return validationReport(read.failure);
      const validation = await checkPrompt(host, nodes, { prompt: read.prompt, targets });
      if (!validation.ok) return validationReport(validation.failure);
      const { prompt, outputs, nodeErrors } = validation;
      const outcome = await runPrompt(host, {
        prompt,
        outputs,
        extraData: attachWorkflow(extraData ?? {}, read.workflow),
        signal,
        onEvent,
        allocateNames,
      });
      return { ...outcome, nodeErrors };
    } catch (cause) {
      return refusal(cause);
    }
  }

  const engine: Engine = {
    folders,
    pid: undefined,
    catalog: async (): Promise<EngineCatalog> => ({
      nodes,
      models: modelCatalog(modelRoots, models),
      failedPacks,
    }),
    async validate({ prompt: given, targets }) {
      const read = readPrompt(nodes, given);
      if ("failure" in read) return { ok: false, failure: read.failure };
      return checkPrompt(host, nodes, { prompt: read.prompt, targets });
    },
    async run(job) {
      if (running.has(job.jobId)) {
        throw new CodedError("CONFLICT", `job "${job.jobId}" is running already`);
      }
      const stop = new AbortController();
      const cancel = () => stop.abort(job.signal?.reason);
      if (job.signal?.aborted) cancel();
      job.signal?.addEventListener("abort", cancel, { once: true });
      const ended = runJob(job, stop.signal);
      running.set(job.jobId, { stop, ended });
      try {
        return await ended;
      } finally {
        running.delete(job.jobId);
        job.signal?.removeEventListener("abort", cancel);
      }
    },
    free: async () => {
      host.cache.clear();
      host.states.clear();
      await runtime.free();
    },
    async [Symbol.asyncDispose]() {
      const reason = new CodedError("JOB_CANCELLED", "the engine was closed");
      for (const { stop } of running.values()) stop.abort(reason);
      await Promise.allSettled([...running.values()].map(({ ended }) => ended));
      await engine.free();
      if (options.temp === undefined) await rm(folders.temp, { recursive: true, force: true });
    },
  };
  return engine;
}

function rootsOf(models: EngineOptions["models"]): string[] {
  if (models === undefined) return [];
  return (typeof models === "string" ? [models] : models).map((root) => path.resolve(root));
}

async function loadPacks(given: NonNullable<EngineOptions["nodes"]>) {
  const packs: (readonly NodeClass[])[] = [];
  const failedPacks: { name: string; problem: string }[] = [];
  for (const pack of given) {
    if (typeof pack !== "string") {
      packs.push([pack]);
      continue;
    }
    const loaded = await loadPack(pack);
    if ("nodes" in loaded) packs.push(loaded.nodes);
    else failedPacks.push(loaded);
  }
  return { packs, failedPacks };
}
