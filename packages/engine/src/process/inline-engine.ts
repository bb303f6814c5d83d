import { rm } from "node:fs/promises";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { attachWorkflow, type CustomCheckRequest, parseJson } from "@rabbitloom/workflow";
import * as z from "zod";
import { createGate } from "../execute/gate.ts";
import type { ExecutionHost } from "../execute/host.ts";
import { createNodeStates } from "../execute/node-states.ts";
import { failureReport, NodeFailure, type RunOutcome } from "../execute/outcome.ts";
import { createResultCache } from "../execute/result-cache.ts";
import { runPrompt } from "../execute/run-prompt.ts";
import { createFileAccess, type Folders, makeFolders } from "../files/folders.ts";
import { createModelFiles, modelCatalog } from "../files/model-files.ts";
import { createModelFit } from "../files/model-fit.ts";
import { coreNodes } from "../nodes/core-nodes.ts";
import type { NodeClass } from "../nodes/define-node.ts";
import { loadPack } from "../nodes/load-pack.ts";
import { createRegistry, nodeCatalog } from "../nodes/registry.ts";
import { createLocalNames } from "../nodes/saving/local-names.ts";
import { chooseDevice } from "../ort/choose-device.ts";
import { deviceName } from "../ort/device.ts";
import { exactByteWeights } from "../ort/exact-bytes.ts";
import { createQuantizedFiles } from "../ort/quantized-files.ts";
import { createRuntime, type Quantization, type Runtime } from "../ort/runtime.ts";
import { checkModelsFit } from "./check-models-fit.ts";
import {
  answerChecks,
  checkPrompt,
  readPrompt,
  refusal,
  validationReport,
} from "./check-prompt.ts";
import type { Engine, EngineCatalog, EngineJob, EngineOptions } from "./engine.ts";
import { openFolders } from "./open-folders.ts";

const DEFAULT_MAX_EXPANDED_NODES = 200_000;
/** Weights in 8 bits that are kept on disk: some three SDXLs. */
const INT8_BYTES = 8e9;

/** Checked, but handed on as it was read: zod's copies would lose which numbers were written as floats. */
const checksSchema = z.array(
  z.custom<CustomCheckRequest>(
    (value) =>
      z
        .object({
          nodeId: z.string(),
          classType: z.string(),
          inputs: z.record(z.string(), z.unknown()),
          inputTypes: z.record(z.string(), z.string()),
        })
        .safeParse(value).success,
  ),
);

/** An engine in this process. `watched` may put itself between the nodes and the runtime. */
export async function openInlineEngine(
  options: EngineOptions,
  watched: (runtime: Runtime) => Runtime = (runtime) => runtime,
): Promise<Engine> {
  const folders = await openFolders(options);
  const modelRoots = rootsOf(options.models);
  const models = createModelFiles(modelRoots);
  const { packs, failedPacks } = await loadPacks(options.nodes ?? []);
  const { maxInputPixels } = options;
  const device = await chooseDevice(options.device);
  if (options.precision === "int8" && device.provider !== "cpu") {
    throw new CodedError(
      "INVALID_REQUEST",
      `precision "int8" is for the CPU, and the device is "${device.provider}"`,
    );
  }
  const runtime = watched(
    createRuntime({
      device,
      memoryBytes: options.memoryBudgetBytes,
      threads: options.threads,
      quantization: options.precision === "int8" ? await openQuantization(folders) : undefined,
    }),
  );
  const fit = createModelFit(runtime, models);
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
  let current = folders;
  const localNames = createLocalNames((type) => current[type]);
  const running = new Map<string, { readonly stop: AbortController; ended: Promise<unknown> }>();

  /** What was read from or written to one set of folders is nothing to a job of another. */
  async function hostOf(wanted: Folders): Promise<ExecutionHost> {
    if (wanted.input !== current.input || wanted.output !== current.output) {
      host.cache.clear();
      host.states.clear();
      await makeFolders(wanted);
      current = wanted;
    }
    return { ...host, files: createFileAccess(wanted) };
  }

  async function runJob(job: EngineJob, signal: AbortSignal): Promise<RunOutcome> {
    const { targets, extraData, onEvent = () => {}, allocateNames = localNames } = job;
    try {
      const read = readPrompt(nodes, job.prompt);
      if ("failure" in read) return validationReport(read.failure);
      const own = await hostOf(job.folders ?? folders);
      const validation = await checkPrompt(own, nodes, { prompt: read.prompt, targets });
      if (!validation.ok) return validationReport(validation.failure);
      const { prompt, outputs, nodeErrors } = validation;
      await checkModelsFit({ prompt, outputs, registry, fit });
      const outcome = await runPrompt(own, {
        prompt,
        outputs,
        extraData: attachWorkflow(extraData ?? {}, read.workflow),
        signal,
        onEvent,
        allocateNames,
      });
      return { ...outcome, nodeErrors };
    } catch (cause) {
      if (!(cause instanceof NodeFailure)) return refusal(cause);
      return { state: "failed", outputs: {}, error: failureReport(cause, []), cause: cause.cause };
    }
  }

  const engine: Engine = {
    folders,
    pid: undefined,
    catalog: async (): Promise<EngineCatalog> => ({
      nodes,
      models: modelCatalog(modelRoots, models),
      failedPacks,
      device: deviceName(device),
    }),
    async validate({ prompt: given, targets }) {
      const read = readPrompt(nodes, given);
      if ("failure" in read) return { ok: false, failure: read.failure };
      return checkPrompt(host, nodes, { prompt: read.prompt, targets });
    },
    async answerChecks(checksJson, wanted = folders) {
      const asked = { ...host, files: createFileAccess(wanted) };
      return answerChecks(asked, checksSchema.parse(parseJson(checksJson)));
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
    free: async ({ keepResults = false } = {}) => {
      if (!keepResults) {
        host.cache.clear();
        host.states.clear();
      }
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

async function openQuantization({ temp }: Folders): Promise<Quantization> {
  const files = createQuantizedFiles({ folder: path.join(temp, "int8"), maxBytes: INT8_BYTES });
  return { type: await exactByteWeights(), files };
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
