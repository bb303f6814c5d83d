/** Names that the file system has no place for: refused with a reason, and nothing of what came stays. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
  await writeFile(join(gateway.folders.input, "file"), "x");
  await mkdir(join(gateway.folders.input, "folder"));
});
afterEach(() => gateway[Symbol.asyncDispose]());

async function send(url: string, filename: string, fields: Readonly<Record<string, string>>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append(url === "/upload/image" ? "image" : "file", new File(["bytes"], filename));
  const body = new Response(form);
  return gateway.app.inject({
    method: "POST",
    url,
    headers: { "content-type": body.headers.get("content-type") ?? "" },
    payload: Buffer.from(await body.arrayBuffer()),
  });
}

test.each([
  ["into a file", "a.png", { subfolder: "file" }, /a file is in its way/],
  ["below a file", "a.png", { subfolder: "file/below" }, /a file is in its way/],
  ["into a long name", "a.png", { subfolder: "x".repeat(300) }, /it is too long/],
  ["below a long name", "a.png", { subfolder: `${"x".repeat(300)}/a` }, /it is too long/],
  ["30,000 folders deep", "a.png", { subfolder: "x/".repeat(30_000) }, /at most 4096 bytes/],
  ["over a folder", "folder", { overwrite: "true" }, /a folder is there/],
])("an upload %s is 400 with the reason", async (_where, filename, fields, reason) => {
  const answer = await send("/upload/image", filename, fields);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({
    error: { extra_info: { code: "FILE_REFUSED" }, details: expect.stringMatching(reason) },
  });
  expect(await readdir(gateway.folders.temp)).toEqual([]);
});

test.each(["file/a.png", "file/below/a.png"])(
  "an asset called %s is refused, and there is no record of it",
  async (file_path) => {
    const answer = await send("/api/v2/assets", "a.png", { content_type: "image/png", file_path });
    expect(answer.statusCode).toBe(422);
    expect(answer.body).toMatch(/a file is in its way/);
    expect(await readdir(gateway.folders.temp)).toEqual([]);
    expect(await readdir(gateway.folders.input)).toEqual(["file", "folder"]);

    const named = await send("/api/v2/assets", "a.png", {
      content_type: "image/png",
      file_path: "a.png",
    });
    expect(named.json()).toMatchObject({ created_new: true });
    const { hash } = named.json();
    const referred = await gateway.app.inject({
      method: "POST",
      url: "/api/v2/assets/from-hash",
      payload: JSON.stringify({ hash, file_path }),
    });
    expect(referred.statusCode).toBe(422);
  },
);

test("a file of the user's own is moved to no odd name, and by one of two at once", async () => {
  const post = (url: string) => gateway.app.inject({ method: "POST", url, payload: "x" });
  await post("/userdata/a");
  await post("/userdata/folder%2Fb");
  for (const to of ["folder", "folder%2Fb%2Fc", "x".repeat(300), "a%2Fb", "."]) {
    for (const overwrite of ["true", "false"]) {
      const { statusCode } = await post(`/userdata/a/move/${to}?overwrite=${overwrite}`);
      expect([400, 409], `${to} ${overwrite}`).toContain(statusCode);
    }
  }
  for (let i = 0; i < 20; i++) {
    await post(`/userdata/c`);
    const moves = await Promise.all([1, 2, 3].map((to) => post(`/userdata/c/move/${i}-${to}`)));
    for (const { statusCode } of moves) expect([200, 404]).toContain(statusCode);
  }
});
