/** Jobs that no worker can do, as people send them: each ends at once and says why and where, and the same worker goes on. */
import { join } from "node:path";
import { elementCount } from "@rabbitloom/engine";
import type { JobError, Prompt } from "@rabbitloom/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  checkpointBytes,
  layoutOf,
  openFolder,
} from "../packages/engine/test/support/random-checkpoint.ts";
import { txt2img, widened, writeZeros } from "../packages/engine/test/support/txt2img.ts";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { childrenOf } from "./support/process-figures.ts";
import type { WorkerProcess } from "./support/worker-process.ts";

/** One more attempt would keep a test waiting for longer than it may. */
const RETRY_SECONDS = "600";
const sd1 = layoutOf("sd1");
const LOST = "model.diffusion_model.out.2.weight";
const GOOD = "good.safetensors";

let fleet: TestFleet;
let models: Awaited<ReturnType<typeof openFolder>>;
let worker: WorkerProcess;
beforeAll(async () => {
  models = await openFolder();
  const write = (name: string, bytes: Uint8Array) => models.write(`checkpoints/${name}`, bytes);
  await write(GOOD, checkpointBytes(sd1));
  await write("text.safetensors", Buffer.from("This is not the model that you are looking for.\n"));
  const { [LOST]: lost = [], ...rest } = sd1;
  await write("incomplete.safetensors", checkpointBytes(rest));
  const weights = new Map([[LOST, new Float32Array(elementCount(lost)).fill(NaN)]]);
  await write("nan.safetensors", checkpointBytes(sd1, { weights }));
  await writeZeros(join(models.folder, "checkpoints/huge.safetensors"), widened(8));
  fleet = await openFleet();
  worker = await fleet.spawnWorker({
    MODELS_DIR: models.folder,
    MEMORY_BUDGET: "200MB",
    RETRY_SECONDS,
  });
});
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

async function run(prompt: Prompt) {
  const jobId = await fleet.submit(prompt);
  return fleet.jobs.ended(jobId, 60_000);
}

/** Then the engine's same process makes a picture. */
async function expectFailure(prompt: Prompt): Promise<JobError> {
  const processes = await childrenOf(worker.pid);
  const { state, attempt, jobId, error } = await run(prompt);
  expect({ state, attempt, error }).toMatchObject({ state: "failed", attempt: 1, error: {} });
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "failed", error });
  const next = await run(txt2img(GOOD, { seed: ++seed }));
  expect(next.error).toBeUndefined();
  expect(await childrenOf(worker.pid)).toEqual(processes);
  return error ?? expect.fail("a failed job has an error");
}
let seed = 0;

test.each<[string, Prompt, Pick<JobError, "code"> & { node: string; message: RegExp }]>([
  [
    "a checkpoint that is a text",
    txt2img("text.safetensors"),
    { code: "MODEL_INVALID", node: "model", message: /"text.safetensors"/ },
  ],
  [
    "a checkpoint without one of its tensors",
    txt2img("incomplete.safetensors"),
    { code: "MODEL_INVALID", node: "model", message: /out\.2\.weight/ },
  ],
  [
    "a checkpoint with weights that are no numbers",
    txt2img("nan.safetensors"),
    { code: "MODEL_INVALID", node: "sampler", message: /UNet of "nan.safetensors".*NaN/ },
  ],
  [
    "a checkpoint that is larger than the memory",
    txt2img("huge.safetensors"),
    {
      code: "DEVICE_OUT_OF_MEMORY",
      node: "model",
      message: /^the model "huge.safetensors" needs \d+ MB, but the memory budget is 200 MB$/,
    },
  ],
  [
    "a picture that the network has no room for",
    txt2img(GOOD, { side: 4096 }),
    {
      code: "DEVICE_OUT_OF_MEMORY",
      node: "sampler",
      message: /^the UNet of "good.safetensors" needs .* but the memory budget is 200 MB$/,
    },
  ],
  [
    "a latent picture that is larger than the machine",
    hugeLatent(),
    {
      code: "DEVICE_OUT_OF_MEMORY",
      node: "empty",
      message: /shape \[4096, 4, 2048, 2048\] would take 274.9 GB; this machine has [\d.]+ GB$/,
    },
  ],
])("%s ends its job at once, with code, node and reason", async (_what, prompt, expected) => {
  const error = await expectFailure(prompt);
  const { code, node, message } = expected;
  expect(error).toMatchObject({ code, retryable: false, node: { nodeId: node } });
  expect(error.message).toMatch(message);
});

test("a checkpoint that nobody has ends its job at once, and the node's choices are told", async () => {
  const error = await expectFailure(txt2img("unknown.safetensors"));
  expect(error).toMatchObject({ code: "VALIDATION_FAILED", retryable: false });
  expect(JSON.stringify(error.nodeErrors?.model)).toMatch(/ckpt_name.*unknown.safetensors.*good/);
});

function hugeLatent(): Prompt {
  const { empty, ...others } = txt2img(GOOD);
  const inputs = { width: 16_384, height: 16_384, batch_size: 4_096 };
  return { ...others, empty: { class_type: "EmptyLatentImage", ...empty, inputs } };
}
