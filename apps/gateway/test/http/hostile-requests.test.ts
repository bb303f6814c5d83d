/** Requests that ask for more than their share, or for an answer that a browser would run. */
import { readdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isShownType } from "../../src/files/media-type.ts";
import { savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway({ MAX_UPLOAD_BYTES: "100000", MAX_PROMPT_BYTES: "100000" });
});
afterEach(() => gateway[Symbol.asyncDispose]());

function post(url: string, payload: unknown, headers: Record<string, string> = {}) {
  return gateway.app.inject({
    method: "POST",
    url,
    headers: { "content-type": "application/json", ...headers },
    payload:
      typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
  });
}

async function send(url: string, parts: readonly (readonly [string, string | File])[]) {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const body = new Response(form);
  return post(url, Buffer.from(await body.arrayBuffer()), {
    "content-type": body.headers.get("content-type") ?? "",
  });
}

describe("bodies", () => {
  test.each(["/prompt", "/api/v1/prompts", "/upload/image", "/userdata/a.json"])(
    "a packed body is refused and not unpacked (%s)",
    async (url) => {
      const packed = gzipSync(JSON.stringify({ prompt: savePrompt }));
      const answer = await post(url, packed, { "content-encoding": "gzip" });
      expect(answer.statusCode).toBe(415);
      expect(answer.body).toMatch(/expected a body as it is, got/);
    },
  );

  test("the files of one body together have the limit of one file", async () => {
    const parts = Array.from({ length: 5 }, (_, i): [string, File] => [
      `f${i}`,
      new File(["x".repeat(60_000)], `f${i}.bin`),
    ]);
    const answer = await send("/api/v1/prompts", [
      ["prompt", JSON.stringify(savePrompt)],
      ...parts,
    ]);
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      detail: "multipart body: expected at most 200000 bytes in all",
    });
    expect(await readdir(gateway.folders.input)).toEqual([]);
    expect(await readdir(gateway.folders.temp)).toEqual([]);
  });

  test("a body whose length is not said is counted as it comes", async () => {
    await gateway.app.listen({ port: 0, host: "127.0.0.1" });
    const address = gateway.app.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = connect(port, "127.0.0.1");
    const heard = new Promise<string>((resolve, reject) => {
      socket.once("data", (data) => resolve(data.toString("latin1")));
      socket.once("error", reject);
    });
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
    socket.write(
      "POST /api/v1/prompts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n" +
        "Content-Type: multipart/form-data; boundary=B\r\n\r\n",
    );
    for (let i = 0; i < 10; i++) {
      const head = `--B\r\nContent-Disposition: form-data; name="f${i}"; filename="f${i}"\r\n\r\n`;
      socket.write(chunk(`${head}${"x".repeat(50_000)}\r\n`));
    }
    expect(await heard).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
    await expect.poll(() => readdir(gateway.folders.temp)).toEqual([]);
  });

  test.each([
    ["/upload/image", ["subfolder", "image"]],
    ["/upload/image", ["image", "subfolder"]],
    ["/upload/mask", ["image", "original_ref"]],
  ] as const)(
    "a field that is longer than a field is 413, and nothing stays (%s of %s)",
    async (url, names) => {
      const parts = names.map((name): [string, string | File] => [
        name,
        name === "image" ? new File(["x"], "a.png") : "x".repeat(70_000),
      ]);
      const answer = await send(url, parts);
      expect(answer.statusCode).toBe(413);
      expect(await readdir(gateway.folders.temp)).toEqual([]);
    },
  );

  test("a body that breaks off behind its picture leaves nothing", async () => {
    const head = (name: string) => `--B\r\nContent-Disposition: form-data; name="${name}"`;
    const body = `${head("image")}; filename="a.png"\r\n\r\nwhole\r\n${head("type")}\r\n\r\ninp`;
    const type = { "content-type": "multipart/form-data; boundary=B" };
    for (const url of ["/upload/image", "/upload/mask"]) {
      expect((await post(url, body, type)).statusCode).toBe(400);
    }
    expect(await readdir(gateway.folders.temp)).toEqual([]);
  });

  test("a prompt in a field of JSON's own type is read like any other", async () => {
    const body = `--B\r\nContent-Disposition: form-data; name="prompt"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(savePrompt)}\r\n--B--\r\n`;
    const answer = await post("/api/v1/prompts", body, {
      "content-type": "multipart/form-data; boundary=B",
      prefer: "respond-async",
    });
    expect(answer.statusCode).toBe(202);
  });

  test("a prompt nested 100,000 levels deep is 400", async () => {
    const answer = await post("/prompt", `{"prompt":${"[".repeat(90_000)}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toMatch(/nest deeper than 256 levels/);
  });

  test("a request has to arrive in ten minutes", () => {
    expect(gateway.app.server.requestTimeout).toBe(600_000);
  });
});

describe("lists", () => {
  const ids = Array.from({ length: 1_001 }, (_, i) => `job-${i}`);
  test.each(["/queue", "/history"])("%s takes a thousand ids and no more", async (url) => {
    expect((await post(url, { delete: ids.slice(1) })).statusCode).toBe(200);
    const answer = await post(url, { delete: ids });
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toMatch(/expected at most 1000 ids, got 1001/);
  });

  test("a workflow that names more than a thousand assets is refused before they are looked up", async () => {
    const asset = (i: number) => ({ __type: "core/ASSET", info: { id: `a${i}` } });
    const workflow = { "1": { class_type: "X", inputs: { all: ids.map((_, i) => asset(i)) } } };
    const answer = await post("/api/v2/jobs", { workflow });
    expect(answer.statusCode).toBe(422);
    expect(answer.body).toMatch(/names more than 1000 assets/);
  });

  test("the settings of a user have a limit together", async () => {
    await using big = await testGateway();
    for (let i = 0; i < 20; i++) {
      const answer = await big.app.inject({
        method: "POST",
        url: `/settings/s${i}`,
        payload: JSON.stringify("x".repeat(100_000)),
      });
      expect(answer.statusCode).toBe(i < 10 ? 200 : 413);
    }
  });

  test("a setting called __proto__ is a setting like any other", async () => {
    expect((await post("/settings/__proto__", { polluted: 1 })).statusCode).toBe(200);
    expect((await post("/settings", '{"__proto__": {"polluted": 2}}')).statusCode).toBe(200);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect((await gateway.app.inject("/settings/toString")).json()).toBeNull();
    expect((await gateway.app.inject("/settings/__proto__")).json()).toEqual({ polluted: 2 });
  });
});

describe("answers with people's bytes", () => {
  const POLICY =
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";

  test.each(["a.png", "a.svg", "a.html", "a.txt", "a.json", "a.xml", "a.pdf", "a"])(
    "%s of a folder is never a page of this site",
    async (name) => {
      await writeFile(join(gateway.folders.output, name), "<script>alert(1)</script>");
      const { headers } = await gateway.app.inject(`/view?filename=${name}`);
      expect(headers["content-type"]).not.toMatch(/html|svg|xml|javascript|css/);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toBe(POLICY);
    },
  );

  test.each(["page.html", "a.svg", "a.json"])("nor is %s of the user's own", async (name) => {
    await post(`/userdata/${name}`, "<script>alert(1)</script>");
    const { headers } = await gateway.app.inject(`/userdata/${name}`);
    expect(headers["content-type"]).not.toMatch(/html|svg|xml/);
    expect(headers["content-security-policy"]).toBe(POLICY);
  });

  test.each([
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "image/x+xml",
    "application/json+xml",
    "video/x+xml",
    "audio/x+xml;a=b",
    "text/xml",
    "application/xhtml+xml",
    "text/plain+xml",
    "text/css",
    "text/javascript",
    "application/pdf",
    "multipart/x-mixed-replace; boundary=B",
    "message/rfc822",
  ])("an asset that its sender calls %s is bytes to keep", async (type) => {
    expect(isShownType(type)).toBe(false);
    const answer = await send("/api/v2/assets", [
      ["content_type", type],
      ["file_path", "a.png"],
      [
        "file",
        new File(["<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>"], "a.png"),
      ],
    ]);
    expect(answer.statusCode).toBe(201);
    const { headers } = await gateway.app.inject(`/api/v2/assets/${answer.json().id}/content`);
    expect(headers["content-type"]).toBe("application/octet-stream");
    expect(headers["content-disposition"]).toMatch(/^attachment; /);
    expect(headers["content-security-policy"]).toBe(POLICY);
  });

  test("an asset that is a picture is shown as one", async () => {
    const answer = await send("/api/v2/assets", [
      ["content_type", "image/png"],
      ["file_path", "a.png"],
      ["file", new File(["x"], "a.png")],
    ]);
    const { headers } = await gateway.app.inject(`/api/v2/assets/${answer.json().id}/content`);
    expect(headers["content-type"]).toBe("image/png");
    expect(headers["content-disposition"]).toBe('filename="a.png"');
  });
});

describe("pictures", () => {
  test("a small file of a large picture is refused before a pixel is made", async () => {
    const size = { width: 10_001, height: 10_001 };
    const bomb = await sharp({ create: { ...size, channels: 3, background: "black" } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    await writeFile(join(gateway.folders.output, "bomb.png"), bomb);
    for (const query of ["preview=webp", "preview=jpeg", "channel=rgb", "channel=a"]) {
      const answer = await gateway.app.inject(`/view?filename=bomb.png&${query}`);
      expect(answer.statusCode, query).toBe(413);
      expect(answer.body).toMatch(/image_too_large/);
    }
  });
});

test("an answer to a failure says nothing of this machine", async () => {
  const { folders, app } = gateway;
  // A folder where a file has to be made, which no check foresees.
  await writeFile(join(folders.user, "default"), "a file where a folder should be");
  for (const url of ["/settings", "/api/settings"]) {
    const answer = await app.inject({ method: "POST", url, payload: "{}" });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).toMatch(/the gateway's log says what went wrong/);
    expect(answer.body).not.toContain(folders.user);
  }
});
