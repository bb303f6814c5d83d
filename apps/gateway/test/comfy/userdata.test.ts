import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway({ MAX_UPLOAD_BYTES: "1000" });
});
afterEach(() => gateway[Symbol.asyncDispose]());

const get = (url: string) => gateway.app.inject(url);
const send = (method: "POST" | "DELETE", url: string, payload: string | Buffer = "") =>
  gateway.app.inject({ method, url, payload, headers: { "content-type": "application/json" } });
const own = (name: string) => join(gateway.folders.user, "default", name);

test("a file is stored byte by byte, read again with a tag, and deleted", async () => {
  const bytes = Buffer.from([0, 255, 128, 10, 13]);
  const stored = await send("POST", "/userdata/workflows%2Fa%20b.bin", bytes);
  expect([stored.statusCode, stored.json()]).toEqual([200, "workflows/a b.bin"]);
  const read = await get("/api/userdata/workflows%2Fa%20b.bin");
  expect(read.rawPayload.equals(bytes)).toBe(true);
  expect(read.headers.etag).toMatch(/^".+"$/);
  expect((await send("DELETE", "/userdata/workflows%2Fa%20b.bin")).statusCode).toBe(204);
  expect((await get("/userdata/workflows%2Fa%20b.bin")).statusCode).toBe(404);
});

test("a name that is encoded twice means the same file", async () => {
  await send("POST", "/userdata/workflows%252Fx.json", "{}");
  expect((await get("/userdata/workflows%2Fx.json")).body).toBe("{}");
});

test("overwrite=false leaves the file that is there, for writing and for moving", async () => {
  await send("POST", "/userdata/a.json", "first");
  await send("POST", "/userdata/b.json", "second");
  const refusals = [
    await send("POST", "/userdata/a.json?overwrite=false", "third"),
    await send("POST", "/userdata/b.json/move/a.json?overwrite=false"),
  ];
  expect(refusals.map(({ statusCode, body }) => [statusCode, body])).toEqual([
    [409, "File already exists"],
    [409, "File already exists"],
  ]);
  expect(await readFile(own("a.json"), "utf8")).toBe("first");
  const moved = await send("POST", "/userdata/b.json/move/sub%2Fa.json?full_info=true");
  expect(moved.json()).toMatchObject({ path: "sub/a.json", size: 6 });
  expect((await get("/userdata/b.json")).statusCode).toBe(404);
});

test("a folder is listed flat, with everything below it, in parts, or with facts", async () => {
  for (const name of ["w/b.json", "w/a.json", "w/sub/c.json", "w/.hidden"]) {
    await send("POST", `/userdata/${encodeURIComponent(name)}`, "12");
  }
  const list = async (query: string) => (await get(`/userdata?dir=w${query}`)).json();
  expect(await list("")).toEqual(["a.json", "b.json"]);
  expect(await list("&recurse=true")).toEqual(["a.json", "b.json", "sub/c.json"]);
  expect(await list("&recurse=TRUE&split=true")).toEqual([
    ["a.json", "a.json"],
    ["b.json", "b.json"],
    ["sub/c.json", "sub", "c.json"],
  ]);
  const [facts] = await list("&full_info=true&split=true");
  expect(facts).toEqual({
    path: "a.json",
    size: 2,
    modified: expect.any(Number),
    created: expect.any(Number),
  });
  expect((await get("/v2/userdata?path=w")).json()).toMatchObject([
    { name: "sub", path: "w/sub", type: "directory" },
    { name: ".hidden", path: "w/.hidden", type: "file", size: 2 },
    { name: "a.json", path: "w/a.json" },
    { name: "b.json", path: "w/b.json" },
    { name: "c.json", path: "w/sub/c.json" },
  ]);
});

test("a user who has stored nothing has an empty folder", async () => {
  expect((await get("/v2/userdata")).json()).toEqual([]);
});

test.each([
  ["GET", "/userdata", 400],
  ["GET", "/userdata?dir=nope", 404],
  ["GET", "/userdata?dir=..", 403],
  ["GET", "/userdata?dir=%252e%252e", 403],
  ["GET", "/userdata?dir=/etc", 403],
  ["GET", "/v2/userdata?path=..", 400],
  ["GET", "/v2/userdata?path=nope", 404],
  ["GET", "/v2/userdata?path=file", 400],
  ["GET", "/userdata/..%2Fsecret", 403],
  ["GET", "/userdata/%2Fetc%2Fpasswd", 403],
  ["GET", "/userdata/out%2Fsecret", 403],
  ["GET", "/userdata/a%00b", 403],
  ["GET", "/userdata/folder", 404],
  ["POST", "/userdata/..%2Fsecret", 403],
  ["POST", "/userdata/out%2Fnew", 403],
  ["POST", "/userdata/folder", 400],
  ["POST", "/userdata/file%2Fbelow", 400],
  ["POST", `/userdata/${"a".repeat(300)}`, 400],
  ["POST", "/userdata/file/move/..%2Fsecret", 403],
  ["POST", "/userdata/nope/move/other", 404],
  ["POST", "/userdata/file/move/folder", 400],
  ["DELETE", "/userdata/..%2Fsecret", 403],
  ["DELETE", "/userdata/folder", 404],
] as const)("%s %s is answered with %i", async (method, url, status) => {
  await mkdir(own("folder"), { recursive: true });
  await writeFile(own("file"), "mine");
  await writeFile(join(gateway.folders.user, "secret"), "secret");
  await symlink("..", own("out"));
  const answer = method === "GET" ? await get(url) : await send(method, url, "x");
  expect([answer.statusCode, answer.body]).toEqual([status, expect.not.stringContaining("secret")]);
  expect(await readFile(join(gateway.folders.user, "secret"), "utf8")).toBe("secret");
  expect(await readFile(own("file"), "utf8")).toBe("mine");
});

test("a file above the limit is refused, and nothing of it stays", async () => {
  const answer = await send("POST", "/userdata/big", "x".repeat(2_000));
  expect([answer.statusCode, answer.json().error.type]).toEqual([413, "payload_too_large"]);
  expect((await get("/v2/userdata")).json()).toEqual([]);
});

test("a page that somebody stored is sent as a download", async () => {
  await send("POST", "/userdata/page.html", "<script>");
  const { headers } = await get("/userdata/page.html");
  expect(headers).toMatchObject({
    "content-type": "application/octet-stream",
    "content-disposition": 'attachment; filename="page.html"',
    "x-content-type-options": "nosniff",
  });
});
