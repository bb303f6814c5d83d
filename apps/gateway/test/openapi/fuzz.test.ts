/** Every operation of the document, with good, bad and odd input: never a 500, never a request without an answer. */
import { expect, inject, test } from "vitest";
import { fuzz, fuzzedOperations } from "../support/fuzzed-operations.ts";
import { endJobs, savePrompt } from "../support/instant-worker.ts";
import { testGateway } from "../support/test-gateway.ts";

/** Printed in each title: put a failure's here to see the same requests again. */
const seed = inject("fuzzSeed");
const RUNS = 12;

await using documenting = await testGateway();
const operations = fuzzedOperations((await documenting.app.inject("/openapi.json")).json());

test.each(operations)(`$name takes whatever comes (seed ${seed})`, async (operation) => {
  await using gateway = await testGateway({ MAX_PROMPT_BYTES: "100000" });
  endJobs(gateway, { outputs: { "2": { text: ["x"] } } });
  await gateway.app.inject({
    method: "POST",
    url: "/api/v1/prompts",
    payload: { prompt: savePrompt, prompt_id: "known" },
  });
  await fuzz(operation, {
    seed,
    runs: RUNS,
    async ask({ payload, ...request }) {
      const answer = await gateway.app.inject({
        ...request,
        ...(payload !== undefined && { payload }),
      });
      const isMeant = answer.statusCode === 503 && operation.path === "/readyz";
      expect(answer.statusCode < 500 || isMeant, `${answer.statusCode} ${answer.body}`).toBe(true);
    },
  });
});
