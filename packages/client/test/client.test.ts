import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { createClient } from "../src/index.ts";
import { end, start } from "./support/events.ts";
import { type FakeGateway, json, startFakeGateway } from "./support/fake-gateway.ts";

const workflow = { "1": { class_type: "EmptyImage", inputs: { width: 8, height: 8 } } };

function clientOf({ fetch }: Pick<FakeGateway, "fetch">, baseUrl = "http://gateway.test") {
  return createClient({ baseUrl, fetch, WebSocket });
}

test("a workflow is submitted to run in the background, watched from its first event", async () => {
  await using gateway = await startFakeGateway();
  const job = await clientOf(gateway).submit(workflow, { clientId: "me" });
  expect(job.id).toBe("job-1");
  const [request] = gateway.requests;
  expect(request?.headers.get("prefer")).toBe("respond-async");
  expect(await request?.json()).toEqual({ prompt: workflow, watch: true, client_id: "me" });
});

test("a seed of 64 bits reaches the gateway as it was given", async () => {
  await using gateway = await startFakeGateway();
  const seed = 2n ** 64n - 1n;
  await clientOf(gateway).submit({ "1": { class_type: "KSampler", inputs: { seed } } });
  expect(await gateway.requests[0]?.text()).toContain('"seed":18446744073709551615');
});

test("the result of a job is its end and the files it wrote", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(start(), end(2));
  const { end: last, files } = await clientOf(gateway).handle("job-1").result();
  expect(last.state).toBe("succeeded");
  expect(files).toMatchObject([
    {
      nodeId: "9",
      kind: "images",
      url: "http://gateway.test/view?filename=a.png&subfolder=&type=output",
    },
  ]);
});

test("a job that failed throws its error, with the node that failed", async () => {
  await using gateway = await startFakeGateway();
  const node = {
    nodeId: "3",
    nodeType: "Breaks",
    exceptionType: "Error",
    traceback: [],
    inputs: {},
  };
  const error = { code: "NODE_FAILED", message: "it broke", retryable: false, node };
  gateway.publish(start(), { ...end(2, "failed"), error });
  await expect(clientOf(gateway).handle("job-1").result()).rejects.toMatchObject({
    code: "NODE_FAILED",
    message: "job job-1: it broke",
    details: { state: "failed", node: { nodeId: "3" } },
  });
});

test("a job that was cancelled or given up throws a code of its own", async () => {
  await using gateway = await startFakeGateway();
  gateway.publish(end(1, "cancelled", 0));
  await expect(clientOf(gateway).handle("job-1").result()).rejects.toMatchObject({
    code: "JOB_CANCELLED",
  });
});

test("tags go along with a job, and narrow the list of jobs", async () => {
  await using gateway = await startFakeGateway();
  await clientOf(gateway).submit({}, { tags: ["shop", "order 17"] });
  expect(await gateway.requests[0]?.json()).toMatchObject({ tags: ["shop", "order 17"] });
  gateway.answer("GET /api/v1/jobs", () => json(200, { jobs: [gateway.view()] }));
  expect(await clientOf(gateway).jobs({ tags: ["shop", "order 17"] })).toHaveLength(1);
  expect(gateway.requests[1]?.url).toBe("http://gateway.test/api/v1/jobs?tag=shop&tag=order%2017");
});

test("a gateway below a path is spoken to below that path", async () => {
  const urls: string[] = [];
  const fetch = (input: string | URL | Request) => {
    urls.push(String(input));
    return Promise.resolve(json(200, { jobs: [] }));
  };
  const client = clientOf({ fetch }, "https://host.test/loom");
  expect(await client.jobs()).toEqual([]);
  expect(urls).toEqual(["https://host.test/loom/api/v1/jobs"]);
  const images = [{ filename: "a b.png", subfolder: "x/y", type: "temp" }];
  expect(client.outputs({ outputs: { "9": { images, text: ["no file"] } } })[0]?.url).toBe(
    "https://host.test/loom/view?filename=a+b.png&subfolder=x%2Fy&type=temp",
  );
});

test("headers are asked for anew for every request", async () => {
  const seen: (string | null)[] = [];
  let token = 0;
  const client = createClient({
    baseUrl: "http://gateway.test",
    WebSocket,
    headers: () => {
      token += 1;
      return { authorization: `Bearer ${token}` };
    },
    fetch: (input, init) => {
      seen.push(new Request(input, init).headers.get("authorization"));
      return Promise.resolve(json(200, { jobs: [] }));
    },
  });
  await client.jobs();
  await client.jobs();
  expect(seen).toEqual(["Bearer 1", "Bearer 2"]);
});

test("a picture is uploaded under its name and named as LoadImage wants it", async () => {
  let sent: FormData | undefined;
  const client = clientOf({
    async fetch(input, init) {
      sent = await new Request(input, init).formData();
      return json(200, { name: "cat (1).png", subfolder: "pets", type: "input" });
    },
  });
  const file = new File([new Uint8Array([1, 2, 3])], "cat.png", { type: "image/png" });
  expect(await client.upload(file, { subfolder: "pets" })).toMatchObject({
    name: "cat (1).png",
    value: "pets/cat (1).png",
  });
  expect(sent?.get("image")).toMatchObject({ name: "cat.png", size: 3 });
  expect(sent?.get("subfolder")).toBe("pets");
});

test("a node class that is described in an unknown way does not hide the others", async () => {
  const plain = {
    input: { required: { width: ["INT", { min: 1 }] } },
    input_order: { required: ["width"] },
    output: ["IMAGE"],
    output_is_list: [false],
    output_name: ["IMAGE"],
    name: "Plain",
    display_name: "Plain",
    description: "",
    python_module: "nodes",
    category: "image",
    output_node: false,
  };
  const fetch = () => Promise.resolve(json(200, { Plain: plain, Odd: { input: "all" } }));
  expect(Object.keys(await clientOf({ fetch }).nodes())).toEqual(["Plain"]);
});

test("an answer of another shape is an error that says where it differs", async () => {
  const fetch = () => Promise.resolve(json(200, { id: "job-1", state: "dreaming" }));
  await expect(clientOf({ fetch }).job("job-1")).rejects.toMatchObject({
    code: "INTERNAL",
    message: expect.stringContaining("GET /api/v1/jobs/job-1: unexpected answer at state"),
  });
  const html = () => Promise.resolve(new Response("<html>"));
  await expect(clientOf({ fetch: html }).job("job-1")).rejects.toThrow(
    'expected JSON, got "<html>"',
  );
});

test("an id that could name something else is refused before it is sent", async () => {
  await using gateway = await startFakeGateway();
  const client = clientOf(gateway);
  expect(() => client.watch("../queue")).toThrow(/job id "\.\.\/queue": expected 1 to 64/);
  await expect(client.job("*")).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  expect(gateway.requests).toEqual([]);
});

test("in a place without WebSocket a client that insists on STOMP says what to give it", () => {
  expect(() => createClient({ baseUrl: "http://gateway.test", transport: "stomp" })).toThrow(
    "package ws",
  );
});
