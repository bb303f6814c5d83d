/** What the fleet has given up, in RabbitMQ's own queue: over HTTP and by `./loom dead`. */
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "@rabbitloom/client";
import {
  type AccessScope,
  type DeadLetter,
  deadLetterSchema,
  isTerminal,
  type JobView,
} from "@rabbitloom/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { openService, type TestService } from "./support/service.ts";
import { until } from "./support/until.ts";

let service: TestService;
let operator: string;
let sender: string;
/** While it is there, what names it kills its engine. */
let curse: string;
beforeAll(async () => {
  service = await openService({
    gateway: { AUTH: "required" },
    nodes: ["test/node-packs/unlucky.ts"],
  });
  curse = join(service.fleet.dataDir, "curse");
  operator = await newKey("staff", ["operate"]);
  sender = await newKey("acme", ["submit", "read-own"]);
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

async function newKey(tenant: string, scopes: [AccessScope, ...AccessScope[]]): Promise<string> {
  return (await service.fleet.store.keys.create({ tenant, scopes })).secret;
}

const acme = () => createClient({ baseUrl: service.url, apiKey: sender, WebSocket });

function call(key: string, method: "GET" | "POST" | "DELETE", path = ""): Promise<Response> {
  const headers = { authorization: `Bearer ${key}` };
  return fetch(`${service.url}/api/v1/dead-letters${path}`, { method, headers });
}

async function letters(): Promise<DeadLetter[]> {
  const answer: unknown = await (await call(operator, "GET")).json();
  return z.object({ letters: z.array(deadLetterSchema) }).parse(answer).letters;
}

async function letterThat(isMeant: (letter: DeadLetter) => boolean): Promise<DeadLetter> {
  let found: DeadLetter | undefined;
  await until("the letter is listed", async () => {
    found = (await letters()).find(isMeant);
    return found !== undefined;
  });
  return deadLetterSchema.parse(found);
}

/** A job whose every attempt kills its engine. Answers its id when it is dead. */
async function deadJob(text: string): Promise<string> {
  await writeFile(curse, "");
  const prompt = { "1": { class_type: "Unlucky", inputs: { whileThere: curse, text } } };
  const job = await acme().submit(prompt);
  await expect(job.result()).rejects.toMatchObject({ code: "JOB_DEAD" });
  return job.id;
}

/** The job as its tenant sees it, once it has ended. */
async function ended(jobId: string): Promise<JobView> {
  let job = await acme().job(jobId);
  const isOver = async () => {
    job = await acme().job(jobId);
    return isTerminal(job.state);
  };
  await until("the job has ended", isOver, 60_000);
  return job;
}

/** Runs `./loom dead` by the script, which builds what has changed, or without it. */
async function loom(args: readonly string[], { isBuilt = true } = {}): Promise<string> {
  const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const [program, ...start] = isBuilt
    ? [process.execPath, path("apps/loom/dist/main.js")]
    : [path("loom")];
  const env = { ...process.env, LOOM_API_KEY: operator };
  const all = [...start, "dead", ...args, "--url", service.url];
  return (await promisify(execFile)(program, all, { env })).stdout.trim();
}

test("a dead job is listed, shown, and replayed as a new job of its tenant once the cause is gone", async () => {
  const jobId = await deadJob("alive");
  const letter = await letterThat((found) => found.jobId === jobId);
  expect(letter).toMatchObject({ reason: "rejected", routingKey: expect.stringMatching(/acme$/) });
  for (const name of [jobId, letter.id]) {
    const { body = "", ...shown } = deadLetterSchema.parse(
      await (await call(operator, "GET", `/${name}`)).json(),
    );
    expect(shown).toEqual(letter);
    expect(JSON.parse(body)).toMatchObject({ jobId, tenant: "acme" });
  }

  for (const key of [sender, await newKey("staff", ["read-all", "read-own", "submit"])]) {
    expect((await call(key, "GET")).status).toBe(403);
    expect((await call(key, "GET", `/${jobId}`)).status).toBe(403);
    expect((await call(key, "POST", `/${jobId}/replay`)).status).toBe(403);
    expect((await call(key, "DELETE", `/${jobId}`)).status).toBe(403);
  }
  expect(await letters()).toEqual([letter]);

  await rm(curse);
  const answer = await call(operator, "POST", `/${jobId}/replay`);
  expect(answer.status).toBe(202);
  const replayed = z.object({ jobId: z.string() }).parse(await answer.json()).jobId;
  expect(replayed).not.toBe(jobId);
  const outputs = { "1": { text: ["alive"] } };
  expect(await ended(replayed)).toMatchObject({ state: "succeeded", outputs });
  expect(await letters()).toEqual([]);
  expect((await call(operator, "GET", `/${jobId}`)).status).toBe(404);
  expect(await ended(jobId)).toMatchObject({ state: "dead" });
});

test("a message that never was a job is listed, not replayed, and dropped", async () => {
  await service.fleet.send("not a job");
  const { id } = await letterThat(({ reason }) => reason === "malformed");
  expect((await call(operator, "POST", `/${id}/replay`)).status).toBe(400);
  expect((await call(operator, "DELETE", `/${id}`)).status).toBe(204);
  expect(await letters()).toEqual([]);
  expect((await call(operator, "DELETE", `/${id}`)).status).toBe(404);
});

test("./loom dead lists, shows, replays and drops", async () => {
  const jobId = await deadJob("by hand");
  await service.fleet.send("nonsense");
  const job = await letterThat((found) => found.jobId === jobId);
  const junk = await letterThat(({ reason }) => reason === "malformed");

  const lines = (await loom(["ls"], { isBuilt: false })).split("\n");
  expect(lines).toHaveLength(2);
  expect(lines.find((line) => line.startsWith(job.id))).toContain(`${jobId}  rejected`);
  expect(lines.find((line) => line.startsWith(junk.id))).toContain("-  malformed");
  expect(JSON.parse(await loom(["show", junk.id]))).toMatchObject({ ...junk, body: "nonsense" });

  await rm(curse);
  const replayed = await loom(["replay", jobId]);
  const outputs = { "1": { text: ["by hand"] } };
  expect(await ended(replayed)).toMatchObject({ state: "succeeded", outputs });
  expect(await loom(["drop", junk.id])).toBe("");
  expect(await loom(["ls"])).toBe("");
  await expect(loom(["show", jobId])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no dead letter"),
  });
}, 240_000);
