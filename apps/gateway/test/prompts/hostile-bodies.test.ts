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

test("a name with half a character in it, which no URL can carry, is no file", async () => {
  endJobs(gateway, {
    outputs: { "2": { images: [{ filename: "a\ud800.png", subfolder: "", type: "output" }] } },
  });
  const answer = await post(savePrompt);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({ urls: [] });
});
