/** What one tenant has on every surface, and what another tenant's key finds there; docs/security.md has the table. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { savePrompt } from "../apps/gateway/test/support/instant-worker.ts";
import { type GuardedGateway, guardedGateway } from "./support/guarded-gateway.ts";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";

interface Request {
  readonly method?: Method;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string | Buffer;
}

type Who = { readonly authorization: string };

let gateway: GuardedGateway;
let acme: Who;
let beta: Who;
/** Jobs of acme's: one has ended, one waits. */
let done: string;
let waits: string;
/** What the ended job has shown, and a file that acme has uploaded. */
let output: string;
let asset: { id: string; hash: string };

beforeAll(async () => {
  gateway = await guardedGateway({ RATE_LIMIT_PER_MINUTE: "10000" });
  acme = await gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });
  beta = await gateway.bearer({ tenant: "beta", scopes: ["submit", "read-own"] });
  done = await gateway.submit(acme);
  await gateway.finish(done, "acme.png");
  waits = await gateway.submit(acme);
  const job = (await as(acme, { url: `/api/v2/jobs/${done}` })).json();
  output = String(job.outputs[0].id);
  asset = (
    await upload(acme, "/api/v2/assets", {
      file: new File(["acme's bytes"], "acme.txt"),
      content_type: "text/plain",
      file_path: "acme.txt",
    })
  ).json();
  await upload(acme, "/upload/image", { image: new File(["acme's bytes"], "acme-input.png") });
  await as(acme, { method: "POST", url: "/userdata/acme.json", payload: "acme's words" });
  await as(acme, { method: "POST", url: "/settings/acme.colour", payload: '"green"' });
});
afterAll(() => gateway[Symbol.asyncDispose]());

function as({ authorization }: Who, { headers, ...request }: Request) {
  return gateway.app.inject({ ...request, headers: { authorization, ...headers } });
}

async function upload(who: Who, url: string, parts: Readonly<Record<string, string | File>>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) form.append(name, value);
  const body = new Response(form);
  return as(who, {
    method: "POST",
    url,
    headers: { "content-type": body.headers.get("content-type") ?? "" },
    payload: Buffer.from(await body.arrayBuffer()),
  });
}

/** `{name}` in a path or a text stands for an id of acme's. */
function filled(text: string): string {
  const ids: Readonly<Record<string, string>> = { done, waits, output, asset: asset.id };
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "");
}

/** Where what acme has is read, and what acme finds there. */
const reads: readonly [path: string, shown: string][] = [
  ["/api/v2/jobs/{done}", "{done}"],
  ["/api/v2/jobs/{done}/workflow", "SaveImage"],
  ["/api/v2/assets/{output}", "acme.png"],
  ["/api/v2/assets/{output}/content", "picture"],
  ["/api/v2/assets/{asset}", "acme.txt"],
  ["/api/v2/assets/{asset}/content", "acme's bytes"],
  ["/api/v1/jobs/{done}", "{done}"],
  ["/api/v1/prompts/{done}", "acme.png"],
  ["/api/jobs/{done}", "{done}"],
  ["/view?filename=acme.png", "picture"],
  ["/view?filename=acme-input.png&type=input", "acme's bytes"],
  ["/userdata/acme.json", "acme's words"],
];

test.each(reads)("%s is 404 for another tenant", async (path, shown) => {
  const url = filled(path);
  const mine = await as(acme, { url });
  expect(mine.statusCode).toBe(200);
  expect(mine.body).toContain(filled(shown));
  const theirs = await as(beta, { url });
  expect(theirs.statusCode).toBe(404);
  expect(theirs.body).not.toContain("acme.");
});

/** Lists and places that are there for everybody, each with what acme has in it. */
const lists: readonly [path: string, shown: string][] = [
  ["/api/v2/jobs", "{done}"],
  ["/api/v1/jobs", "{done}"],
  ["/api/v1/jobs", "{waits}"],
  ["/api/jobs", "{done}"],
  ["/api/jobs", "{waits}"],
  ["/history", "{done}"],
  ["/history/{done}", "acme.png"],
  ["/queue", "{waits}"],
  ["/v2/userdata", "acme.json"],
  ["/settings", "acme.colour"],
  ["/settings/acme.colour", "green"],
  ["/internal/files/input", "acme-input.png"],
  ["/internal/files/output", "acme.png"],
];

test.each(lists)("%s shows another tenant no %s", async (path, shown) => {
  const url = filled(path);
  expect((await as(acme, { url })).body).toContain(filled(shown));
  const theirs = await as(beta, { url });
  expect(theirs.statusCode).toBe(200);
  expect(theirs.body).not.toContain(filled(shown));
});

test("the last prompt of a tenant is not another's", async () => {
  expect((await as(acme, { url: "/api/v1/prompts" })).body).toContain("SaveImage");
  expect((await as(beta, { url: "/api/v1/prompts" })).statusCode).toBe(404);
});

test("nothing that another tenant does to it by name or id is more than 404, nor changes anything", async () => {
  const attempts: readonly [Method, string][] = [
    ["GET", `/api/v2/jobs/${waits}/events`],
    ["GET", `/api/v1/jobs/${waits}/events`],
    ["POST", `/api/v2/jobs/${waits}/cancel`],
    ["POST", `/api/v1/jobs/${waits}/cancel`],
    ["POST", `/api/v1/jobs/${waits}/watch`],
    ["DELETE", `/api/v2/assets/${output}`],
    ["DELETE", `/api/v2/assets/${asset.id}`],
    ["HEAD", `/api/v2/assets/by-hash/${encodeURIComponent(asset.hash)}`],
    ["HEAD", `/api/v1/prompts/${done}`],
    ["DELETE", "/userdata/acme.json"],
    ["POST", "/userdata/acme.json/move/mine.json"],
  ];
  for (const [method, url] of attempts) {
    expect((await as(beta, { method, url })).statusCode, `${method} ${url}`).toBe(404);
  }
  // No verb but GET is there, whosever the prompt is.
  for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
    expect((await as(beta, { method, url: `/api/v1/prompts/${done}` })).statusCode).toBe(405);
  }
  const hash = `/api/v2/assets/by-hash/${encodeURIComponent(asset.hash)}`;
  expect((await as(acme, { method: "HEAD", url: hash })).statusCode).toBe(200);
  const fromHash = { method: "POST", url: "/api/v2/assets/from-hash" } as const;
  const payload = JSON.stringify({ hash: asset.hash });
  expect((await as(beta, { ...fromHash, payload })).statusCode).toBe(404);
  for (const [path, shown] of reads) {
    expect((await as(acme, { url: filled(path) })).body).toContain(filled(shown));
  }
  expect(await gateway.store.view({ tenant: "acme" }, waits)).toMatchObject({ state: "pending" });
});

test("files, userdata and settings of one name are each tenant's own", async () => {
  await upload(beta, "/upload/image", { image: new File(["beta's"], "acme-input.png") });
  await as(beta, { method: "POST", url: "/userdata/acme.json", payload: "beta's" });
  await as(beta, { method: "POST", url: "/settings/acme.colour", payload: '"red"' });
  for (const [path, mine, theirs] of [
    ["/view?filename=acme-input.png&type=input", "acme's bytes", "beta's"],
    ["/userdata/acme.json", "acme's words", "beta's"],
    ["/settings/acme.colour", '"green"', '"red"'],
  ] as const) {
    expect((await as(acme, { url: path })).body).toBe(mine);
    expect((await as(beta, { url: path })).body).toBe(theirs);
  }
});

test("a workflow that names another tenant's asset or output is refused", async () => {
  for (const id of [asset.id, output]) {
    const image = { __type: "core/ASSET", info: { id } };
    const workflow = { ...savePrompt, "1": { class_type: "LoadImage", inputs: { image } } };
    const payload = JSON.stringify({ workflow });
    const answer = await as(beta, { method: "POST", url: "/api/v2/jobs", payload });
    expect([answer.statusCode, answer.body]).toEqual([422, expect.stringContaining(id)]);
  }
});

describe("an Idempotency-Key of one tenant never answers another", () => {
  test.each([
    ["/api/v1/prompts", "respond-async", { prompt: savePrompt }],
    ["/api/v2/jobs", "idempotent-replay", { workflow: savePrompt }],
  ])("%s", async (url, prefer, body) => {
    const ask = async (who: Who, key: string) => {
      const headers = { "idempotency-key": key, prefer, "content-type": "application/json" };
      const payload = JSON.stringify(body);
      const answer = await as(who, { method: "POST", url, headers, payload });
      expect([201, 202]).toContain(answer.statusCode);
      const { id, prompt_id: promptId } = answer.json<{ id?: string; prompt_id?: string }>();
      return { jobId: id ?? promptId, isReplay: "idempotent-replayed" in answer.headers };
    };
    const mine = await ask(acme, "one-key");
    expect(await ask(acme, "one-key")).toEqual({ jobId: mine.jobId, isReplay: true });
    const theirs = await ask(beta, "one-key");
    expect(theirs.isReplay).toBe(false);
    expect(theirs.jobId).not.toBe(mine.jobId);
  });
});
