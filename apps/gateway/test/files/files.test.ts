import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contentDisposition } from "../../src/files/content-disposition.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway({ MAX_UPLOAD_BYTES: "1000" });
});
afterEach(() => gateway[Symbol.asyncDispose]());

const view = (query: string, headers: Record<string, string> = {}) =>
  gateway.app.inject({ url: `/view?${query}`, headers });

async function upload(filename: string, bytes: string, fields: Record<string, string | File> = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("image", new File([bytes], filename));
  const body = new Response(form);
  return gateway.app.inject({
    method: "POST",
    url: "/upload/image",
    headers: { "content-type": body.headers.get("content-type") ?? "" },
    payload: Buffer.from(await body.arrayBuffer()),
  });
}

describe("/view stays in its folder", () => {
  beforeEach(async () => {
    await writeFile(join(gateway.folders.output, "..", "secret.txt"), "secret");
    await mkdir(join(gateway.folders.output, "sub"));
    await writeFile(join(gateway.folders.output, "sub", "a.txt"), "inside");
  });

  test.each([
    ["filename=../secret.txt", 400],
    ["filename=..%2Fsecret.txt", 400],
    ["filename=..%5Csecret.txt", 400],
    ["filename=%2e%2e%2fsecret.txt", 400],
    ["filename=%252e%252e%252fsecret.txt", 404],
    ["filename=/etc/passwd", 400],
    ["filename=C:%5Csecret.txt", 400],
    ["filename=a%00.txt", 400],
    ["filename=a.txt&subfolder=..", 403],
    ["filename=a.txt&subfolder=sub/../..", 403],
    ["filename=a.txt&subfolder=/etc", 403],
    ["filename=a.txt&subfolder=sub%00", 403],
    ["filename=a.txt&type=..", 400],
    ["filename=a.txt&type=user", 400],
    [`filename=${"a".repeat(5_000)}`, 404],
    ["filename=sub", 404],
  ])("%s is answered with %i", async (query, status) => {
    const answer = await view(query);
    expect(answer.statusCode).toBe(status);
    expect(answer.body).not.toContain("secret");
  });

  test("links that lead out of the folder are refused, links inside are followed", async () => {
    const { output } = gateway.folders;
    await symlink(join(output, "..", "secret.txt"), join(output, "out.txt"));
    await symlink(join(output, ".."), join(output, "up"));
    await symlink(join(output, "sub", "a.txt"), join(output, "in.txt"));
    expect((await view("filename=out.txt")).statusCode).toBe(403);
    expect((await view("filename=secret.txt&subfolder=up")).statusCode).toBe(403);
    expect((await view("filename=in.txt")).body).toBe("inside");
  });
});

describe("/view answers in part and on condition", () => {
  beforeEach(() => writeFile(join(gateway.folders.output, "a.txt"), "0123456789"));

  test.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=8-", 206, "89", "bytes 8-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=5-100", 206, "56789", "bytes 5-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=5-2", 200, "0123456789", undefined],
    ["bytes=0-1,3-4", 200, "0123456789", undefined],
    ["lines=0-1", 200, "0123456789", undefined],
  ])("%s is answered with %i", async (range, status, body, contentRange) => {
    const answer = await view("filename=a.txt", { range });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toBe(body);
    expect(answer.headers["content-range"]).toBe(contentRange);
  });

  test("what the client has is not sent again", async () => {
    const { headers } = await view("filename=a.txt");
    const { etag, "last-modified": modified } = headers;
    expect((await view("filename=a.txt", { "if-none-match": String(etag) })).statusCode).toBe(304);
    expect((await view("filename=a.txt", { "if-none-match": 'W/"x", *' })).statusCode).toBe(304);
    expect(
      (await view("filename=a.txt", { "if-modified-since": String(modified) })).statusCode,
    ).toBe(304);
    expect(
      (
        await view("filename=a.txt", {
          "if-none-match": '"x"',
          "if-modified-since": String(modified),
        })
      ).statusCode,
    ).toBe(200);
    expect((await view("filename=a.txt", { range: "bytes=0-1", "if-range": '"x"' })).body).toBe(
      "0123456789",
    );
  });
});

test.each(["a.html", "a.svg", "a.js", "a.css", "a.xhtml", "A.HTM"])(
  "%s is only ever a download",
  async (name) => {
    await writeFile(join(gateway.folders.output, name), "<script>");
    const { headers } = await view(`filename=${name}`);
    expect(headers["content-type"]).toBe("application/octet-stream");
    expect(headers["content-disposition"]).toBe(`attachment; filename="${name}"`);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  },
);

test("a file that is no picture has no preview: 400, not a failure", async () => {
  await writeFile(join(gateway.folders.output, "a.png"), "no picture");
  expect((await view("filename=a.png&preview=webp")).statusCode).toBe(400);
  expect((await view("filename=a.png&channel=a")).statusCode).toBe(400);
});

test("a name cannot break out of its header", () => {
  expect(contentDisposition('a".png\r\nX: y')).toBe(
    `filename="a_.png__X: y"; filename*=UTF-8''a%22.png%0D%0AX%3A%20y`,
  );
  expect(contentDisposition("ü.png")).toBe(`filename="_.png"; filename*=UTF-8''%C3%BC.png`);
});

describe("/upload/image", () => {
  test("a name that is longer than file systems take is refused", async () => {
    const answer = await upload(`${"x".repeat(400)}.png`, "one");
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { type: "file_refused" } });
  });

  test("a link that stands in the folder is another file, wherever it leads", async () => {
    await symlink("/nowhere", join(gateway.folders.input, "a.png"));
    expect((await upload("a.png", "one")).json()).toMatchObject({ name: "a (1).png" });
  });

  test("the same bytes are one file, other bytes get another name, overwriting keeps it", async () => {
    expect((await upload("a.png", "one")).json()).toEqual({
      name: "a.png",
      subfolder: "",
      type: "input",
    });
    expect((await upload("a.png", "one")).json()).toMatchObject({ name: "a.png" });
    expect((await upload("a.png", "two")).json()).toMatchObject({ name: "a (1).png" });
    expect((await upload("a.png", "two")).json()).toMatchObject({ name: "a (1).png" });
    expect((await upload("a.png", "six", { overwrite: "true" })).json()).toMatchObject({
      name: "a.png",
    });
    expect(await readFile(join(gateway.folders.input, "a.png"), "utf8")).toBe("six");
  });

  test("twenty uploads of one name at once make twenty files", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => upload("a.png", `bytes ${i}`)),
    );
    expect(new Set(answers.map((answer) => answer.json().name)).size).toBe(20);
    expect(await readdir(gateway.folders.input)).toHaveLength(20);
  });

  test("a field may come as a file, as one client sends it", async () => {
    await upload("a.png", "one");
    const answer = await upload("a.png", "two", { overwrite: new File(["true"], "overwrite") });
    expect(answer.json()).toMatchObject({ name: "a.png" });
  });

  test.each([
    ["../a.png", {}],
    ["/etc/a.png", {}],
    ["a\\..\\..\\b.png", {}],
    ["a.png", { subfolder: "../up" }],
    ["a.png", { subfolder: "/etc" }],
    ["a.png", { type: "user" }],
  ])("%s with %o is refused, and nothing is left behind", async (name, fields) => {
    expect((await upload(name, "bytes", fields)).statusCode).toBe(400);
    expect(await readdir(gateway.folders.input)).toEqual([]);
    expect(await readdir(gateway.folders.temp)).toEqual([]);
  });

  test("a link out of the folder is no way to write", async () => {
    await symlink(join(gateway.folders.input, ".."), join(gateway.folders.input, "up"));
    expect((await upload("a.png", "bytes", { subfolder: "up" })).statusCode).toBe(400);
    expect(await readdir(join(gateway.folders.input, ".."))).not.toContain("a.png");
  });

  test("a file over the limit is 413, and nothing is left behind", async () => {
    expect((await upload("a.png", "x".repeat(2_000))).statusCode).toBe(413);
    expect(await readdir(gateway.folders.temp)).toEqual([]);
  });
});
