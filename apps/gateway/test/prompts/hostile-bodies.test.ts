import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endJobs, savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

function post(payload: unknown, headers: Record<string, string> = {}, url = "/api/v1/prompts") {
  return gateway.app.inject({
    method: "POST",
    url,
    headers: { host: "loom.test", "content-type": "application/json", ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });
}

test("the limit of JSON is not the limit of files", async () => {
  await using big = await testGateway({ MAX_UPLOAD_BYTES: "100000", MAX_PROMPT_BYTES: "1000" });
  const answer = await big.app.inject({
    method: "POST",
    url: "/api/v1/prompts",
    headers: { "content-type": "application/json" },
    payload: JSON.stringify({ prompt: savePrompt, extra_data: { pad: "x".repeat(2000) } }),
  });
  expect(answer.statusCode).toBe(413);
  expect(answer.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
});

test.each(["/api/v1/prompts", "/upload/image"])(
  "a multipart body that breaks off is the sender's mistake, and nothing of it stays (%s)",
  async (url) => {
    const part = 'Content-Disposition: form-data; name="image"; filename="a.png"';
    const broken = [
      ["multipart/form-data", "x"],
      ["multipart/form-data; boundary=B", "--B\r\nnonsense"],
      ["multipart/form-data; boundary=B", `--B\r\n${part}\r\n\r\nhalf a pic`],
      ["multipart/form-data; boundary=B", `--B\r\n${part}\r\n\r\nwhole\r\n--B\r\n${part}`],
    ] as const;
    for (const [type, payload] of broken) {
      const answer = await post(payload, { "content-type": type }, url);
      expect(answer.statusCode, payload).toBe(400);
      expect(answer.body).toMatch(/INVALID_REQUEST/);
    }
    expect(await readdir(gateway.folders.temp).catch(() => [])).toEqual([]);
  },
);

test.each([
  ["a graph", (levels: number) => graphWith(levels)],
  ["an editor's file", (levels: number) => fileWith({ extra: { deep: nested(levels - 2) } })],
])(
  "%s that nests as deep as a body may is no job that a worker reads, and refused",
  async (_what, bodyOf) => {
    const answers = [
      await post(bodyOf(257)),
      await post(bodyOf(256)),
      await post(bodyOf(250), ASYNC),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([400, 400, 202]);
    expect(answers[0]?.json()).toMatchObject({ code: "INVALID_JSON" });
    expect(answers[1]?.json()).toMatchObject({
      code: "INVALID_REQUEST",
      detail: expect.stringMatching(/^job: .* may nest 256 levels deep, and nests deeper$/),
    });
    expect((await gateway.store.list("every-tenant")).total).toBe(1);
  },
);

test("a small editor's file whose subgraph copies its text thousands of times is refused", async () => {
  const inner = savingNode("x".repeat(100_000));
  const subgraphs = [{ id: "copied", nodes: [inner], links: [], inputs: [], outputs: [] }];
  const nodes = Array.from({ length: 5_000 }, (_, i) => ({ id: i + 1, type: "copied" }));
  const answer = await post(fileWith({ nodes, definitions: { subgraphs } }));
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "WORKFLOW_NOT_CONVERTIBLE" });
  expect((await gateway.store.list("every-tenant")).total).toBe(0);
});

test.each(["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"])(
  "a deadline that is in no year of four digits is refused (%s)",
  async (deadline) => {
    const answer = await post({ prompt: savePrompt, deadline });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({
      code: "INVALID_REQUEST",
      detail: "job: deadlineAt: Invalid ISO datetime",
    });
    expect((await gateway.store.list("every-tenant")).total).toBe(0);
  },
);

const ASYNC = { prefer: "respond-async" };

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

/** So many levels deep, by an input that no class declares. */
function graphWith(levels: number) {
  const [empty, save] = [savePrompt["1"], savePrompt["2"]];
  return { "1": { ...empty, inputs: { ...empty.inputs, more: nested(levels - 3) } }, "2": save };
}

/** What the editor saves: an empty picture, saved. */
function fileWith(more: Readonly<Record<string, unknown>>) {
  const empty = {
    id: 1,
    type: "EmptyImage",
    outputs: [{ name: "IMAGE", type: "IMAGE" }],
    widgets_values: [64, 64, 1, 0],
  };
  return { nodes: [empty, savingNode("g")], links: [[1, 1, 0, 2, 0, "IMAGE"]], ...more };
}

function savingNode(prefix: string) {
  const inputs = [{ name: "images", type: "IMAGE", link: 1 }];
  return { id: 2, type: "SaveImage", inputs, widgets_values: [prefix] };
}

test("a name with half a character in it, which no URL can carry, is no file", async () => {
  endJobs(gateway, {
    outputs: { "2": { images: [{ filename: "a\ud800.png", subfolder: "", type: "output" }] } },
  });
  const answer = await post(savePrompt);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ urls: [] });
});

test("a number of two hundred thousand digits is refused at once, one that Python reads is not", async () => {
  const send = (number: unknown) => post({ prompt: savePrompt, number }, {}, "/prompt");
  for (const number of [`${"1".repeat(200_000)}x`, `${" ".repeat(200_000)}x`, "1e", ".", "1.2.3"]) {
    const answer = await send(number);
    expect(answer.statusCode).toBe(400);
    expect(answer.body.length).toBeLessThan(1_000);
    expect(answer.body).toMatch(/number: expected a number/);
  }
  const read = ["1.", ".5", " +2e3 ", "-007"].map(async (number) => (await send(number)).json());
  expect((await Promise.all(read)).map(({ number }) => number)).toEqual([1, 0.5, 2000, -7]);
});
