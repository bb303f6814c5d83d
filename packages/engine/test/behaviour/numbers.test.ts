import { expect, test } from "vitest";
import { openSuite } from "../support/suite.ts";

test("a saved picture carries its prompt with every digit, floats as Python prints them", async () => {
  await using suite = await openSuite();
  const prompt = (value: string, b: string, prefix: string) =>
    `{"image": {"class_type": "StubConstantImage", "inputs": {"value": ${value}, "height": 8, "width": 8, "batch_size": 1}}, ` +
    `"same": {"class_type": "TestIntConditions", "inputs": {"a": 18446744073709551615, "b": ${b}, "operation": "=="}}, ` +
    `"pass": {"class_type": "TestExecutionBlocker", "inputs": {"input": ["image", 0], "block": ["same", 0], "verbose": false}}, ` +
    `"out": {"class_type": "SaveImage", "inputs": {"images": ["pass", 0], "filename_prefix": "${prefix}"}}}`;
  const run = await suite.run(prompt("1", "7.9", "é"));
  expect(run.state).toBe("succeeded");
  expect(await run.promptText("out")).toBe(prompt("1.0", "7", String.raw`\u00e9`));
});
