/** ComfyUI's clients as npm has them, unmodified, against two gateways: sockets at one, requests at the other. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { CallWrapper, ComfyApi, PromptBuilder } from "@saintno/comfyui-sdk";
import { Client } from "@stable-canvas/comfyui-client";
import { ComfyUIClient } from "comfy-ui-client";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { openRoundRobin, type RoundRobin } from "./support/round-robin.ts";
import { openService, painting, type TestService } from "./support/service.ts";
import { until } from "./support/until.ts";

let service: TestService;
let proxy: RoundRobin;
let host: string;
beforeAll(async () => {
  service = await openService({ workers: 2 });
  const second = await service.startGateway();
  proxy = await openRoundRobin({ sockets: [service.url], requests: [second.url] });
  host = new URL(proxy.url).host;
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

const picture = () =>
  sharp({ create: { width: 6, height: 4, channels: 3, background: "red" } })
    .png()
    .toBuffer();

async function sizeOf(bytes: ArrayBuffer | Uint8Array) {
  const { width, height, format } = await sharp(Buffer.from(new Uint8Array(bytes))).metadata();
  return { width, height, format };
}
const painted = { width: 64, height: 40, format: "png" };

/** Asks the fleet itself, past the client under test. */
async function stateOf(id: string): Promise<string | undefined> {
  return (await service.fleet.store.view("every-tenant", id))?.state;
}

test("comfy-ui-client uploads a picture, runs a prompt on it and gets the picture back", async () => {
  const client = new ComfyUIClient(host, randomUUID());
  await client.connect();
  try {
    const uploaded = await client.uploadImage(await picture(), "from-client.png", true);
    expect(uploaded).toEqual({ name: "from-client.png", subfolder: "", type: "input" });
    const images = await client.getImages({
      "1": { class_type: "LoadImage", inputs: { image: "from-client.png" } },
      "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "cu" } },
    });
    const saved = images["2"]?.[0];
    expect(saved?.image).toMatchObject({ subfolder: "", type: "output" });
    expect(await sizeOf((await saved?.blob.arrayBuffer()) ?? new Uint8Array())).toEqual({
      width: 6,
      height: 4,
      format: "png",
    });
    expect(await client.getQueue()).toEqual({ queue_running: [], queue_pending: [] });
    expect(Object.keys(await client.getObjectInfo("SaveImage"))).toEqual(["SaveImage"]);
    expect((await client.getSystemStats()).devices).not.toEqual([]);
    expect(await client.getEmbeddings()).toEqual([]);
  } finally {
    await client.disconnect();
  }
});

test("comfy-ui-client is told the end of a prompt that fails, and does not hang", async () => {
  const client = new ComfyUIClient(host, randomUUID());
  await client.connect();
  try {
    const failing = { "1": { class_type: "ToyFail", inputs: { message: "no paint" } } };
    expect(await client.getImages(failing)).toEqual({});
  } finally {
    await client.disconnect();
  }
});

test("@stable-canvas/comfyui-client follows a prompt and downloads what it made", async () => {
  const client = new Client({ api_host: host, clientId: randomUUID(), WebSocket, fetch });
  await client.connect();
  try {
    const steps: number[] = [];
    const output = await client.enqueue(painting({ steps: 3, ms: 20 }), {
      progress: ({ value }) => steps.push(value),
    });
    expect(steps).toEqual([1, 2, 3]);
    const [image] = output.images;
    const bytes =
      image?.type === "url"
        ? await (await fetch(image.data)).arrayBuffer()
        : (image?.data ?? new Uint8Array());
    expect(await sizeOf(bytes)).toEqual(painted);
  } finally {
    client.close();
  }
});

test("@stable-canvas/comfyui-client interrupts what runs, and nothing of it is left", async () => {
  const clientId = randomUUID();
  const client = new Client({ api_host: host, clientId, WebSocket, fetch });
  await client.connect();
  try {
    const { prompt_id } = z
      .object({ prompt_id: z.string() })
      .parse(await client._enqueue_prompt(painting({ steps: 500, ms: 20 })));
    await until("it runs", async () => (await stateOf(prompt_id)) === "running");
    await client.interrupt(prompt_id);
    await until("it has been stopped", async () => (await stateOf(prompt_id)) === "cancelled");
    const { Running, Pending } = await client.getQueue();
    expect([...Running, ...Pending]).toEqual([]);
  } finally {
    client.close();
  }
});

test("@stable-canvas/comfyui-client polls a prompt without any socket", async () => {
  const client = new Client({ api_host: host, clientId: randomUUID(), WebSocket, fetch });
  const output = await client.enqueue_polling(painting({ steps: 1, ms: 1 }), { polling_ms: 50 });
  expect(output.images).toHaveLength(1);
});

test("@saintno/comfyui-sdk shows previews and progress, and finishes with the picture", async () => {
  const api = new ComfyApi(proxy.url, randomUUID());
  try {
    await api.init(10, 200).waitForReady();
    expect(api.osType).toBe("posix");
    const graph = new PromptBuilder(painting({ steps: 3, ms: 300 }), ["steps"], ["saved"])
      .setRawInputNode("steps", "2.inputs.steps")
      .setRawOutputNode("saved", "3")
      .input("steps", 4);
    const seen = { previews: 0, steps: [] as number[], started: 0 };
    const outcome = await new Promise((resolve, reject) => {
      void new CallWrapper(api, graph)
        .onStart(() => {
          seen.started += 1;
        })
        .onPreview(() => {
          seen.previews += 1;
        })
        .onProgress(({ value }) => seen.steps.push(Number(value)))
        .onFinished(resolve)
        .onFailed(reject)
        .run();
    });
    // It listens only when its request is answered: by then a step may have been told.
    expect([1, 2, 3, 4].slice(-seen.steps.length)).toEqual(seen.steps);
    expect(seen.previews).toBeGreaterThan(0);
    expect(seen.started).toBe(1);
    const images = z
      .object({ saved: z.object({ images: z.array(z.record(z.string(), z.string())) }) })
      .parse(outcome).saved.images;
    const path = new URLSearchParams(images[0]);
    const answer = await fetch(`${proxy.url}/view?${path}`);
    expect(await sizeOf(await answer.arrayBuffer())).toEqual(painted);
  } finally {
    api.destroy();
  }
});

test("@saintno/comfyui-sdk fails a prompt that fails, with what the node said", async () => {
  const api = new ComfyApi(proxy.url, randomUUID());
  try {
    await api.init(10, 200).waitForReady();
    const graph = new PromptBuilder(
      {
        "1": {
          class_type: "ToyFail",
          inputs: { message: "no paint left", after: ["2", 0] },
          _meta: { title: "Fail" },
        },
        // The SDK listens for errors a request after the start: an earlier one it takes for a job that went missing.
        "2": { class_type: "ToySteps", inputs: { steps: 20, ms: 50 }, _meta: { title: "Wait" } },
      },
      [],
      ["shown"],
    ).setRawOutputNode("shown", "1");
    const failed = await new Promise<Error>((resolve, reject) => {
      void new CallWrapper(api, graph).onFailed(resolve).onFinished(reject).run();
    });
    expect(inspect(failed, { depth: 5 })).toMatch(/exception_message: 'no paint left/);
  } finally {
    api.destroy();
  }
});

test("a client whose socket breaks reconnects with its id and hears the end", async () => {
  const clientId = randomUUID();
  const client = new Client({ api_host: host, clientId, WebSocket, fetch });
  await client.connect();
  try {
    await until("the socket stands", () => client.socket?.readyState === WebSocket.OPEN);
    const { prompt_id } = z
      .object({ prompt_id: z.string() })
      .parse(await client._enqueue_prompt(painting({ steps: 60, ms: 50 })));
    await until("it runs", async () => (await stateOf(prompt_id)) === "running");
    const ended = new Promise<void>((resolve) => {
      client.events.on("executing", (data: { node: string | null }) => {
        if (data.node === null) resolve();
      });
    });
    client.socket?.close();
    await ended;
    expect(await stateOf(prompt_id)).toBe("succeeded");
  } finally {
    client.close();
  }
});

test("ComfyUI's websocket example in Python gets its previews and its picture", async () => {
  const program = fileURLToPath(new URL("support/websocket_flow.py", import.meta.url));
  const graph = JSON.stringify(painting({ steps: 2, ms: 10 }));
  const { stdout } = await promisify(execFile)("/usr/bin/python3", [program, host, graph], {
    timeout: 60_000,
  });
  expect(JSON.parse(stdout)).toEqual({
    status: "success",
    previews: 2,
    previewed_node: "2",
    pictures: [["89504e47", expect.any(Number)]],
  });
});
