/** What users of the client may rely on, checked by the compiler alone. */
import type { JobEndEvent, JobEvent, JobView } from "@rabbitloom/protocol";
import { expectTypeOf, test } from "vitest";
import type { WebSocket as NodeWebSocket } from "ws";
import { type Client, type ClientOptions, createClient, type JobHandle } from "../src/index.ts";

test("the address alone makes a client", () => {
  expectTypeOf(createClient).toBeCallableWith({ baseUrl: "http://localhost:8188" });
  expectTypeOf(createClient).toBeCallableWith({ baseUrl: new URL("http://localhost:8188") });
  expectTypeOf<object>().not.toExtend<ClientOptions>();
});

test("a browser's WebSocket and that of package ws both fit", () => {
  expectTypeOf<typeof globalThis.WebSocket>().toExtend<NonNullable<ClientOptions["WebSocket"]>>();
  expectTypeOf<typeof NodeWebSocket>().toExtend<NonNullable<ClientOptions["WebSocket"]>>();
});

test("a watch gives events that narrow by their type", () => {
  expectTypeOf<Client["watch"]>().returns.toEqualTypeOf<AsyncIterable<JobEvent>>();
  const image = (event: JobEvent) => (event.type === "node-preview" ? event.image : undefined);
  expectTypeOf(image).returns.toEqualTypeOf<Uint8Array | undefined>();
});

test("a submission gives a handle, and its result the end with its files", () => {
  expectTypeOf<Client["submit"]>().returns.resolves.toEqualTypeOf<JobHandle>();
  expectTypeOf<JobHandle["result"]>().returns.resolves.toHaveProperty("end");
  type Result = Awaited<ReturnType<JobHandle["result"]>>;
  expectTypeOf<Result["end"]>().toEqualTypeOf<JobEndEvent>();
  expectTypeOf<Result["files"][number]["bytes"]>().returns.resolves.toEqualTypeOf<Uint8Array>();
});

test("files are read off a record and off an end alike", () => {
  expectTypeOf<JobView>().toExtend<Parameters<Client["outputs"]>[0]>();
  expectTypeOf<JobEndEvent>().toExtend<Parameters<Client["outputs"]>[0]>();
});
