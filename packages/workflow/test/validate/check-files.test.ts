import { expect, test } from "vitest";
import { accepted, refused } from "../support/validate.ts";

test("a value must be one of the choices, in old combos and in new ones", async () => {
  await accepted({ "1": { class_type: "Choose", inputs: { v1: 1, v3: "y" } } });
  const failure = await refused({ "1": { class_type: "Choose", inputs: { v1: "c", v3: "z" } } });
  expect(failure.node_errors["1"]?.errors.map(({ details }) => details)).toEqual([
    "v1: 'c' not in ['a', 'b', 1]",
    "v3: 'z' not in ['x', 'y']",
  ]);
});

test("model names are held against the folder and the names that need no file", async () => {
  const prompt = (model: string) => ({
    "1": { class_type: "Load", inputs: { model, image: "a.png" } },
  });
  const modelFiles = (folder: string) => (folder === "vae" ? ["m.safetensors"] : undefined);
  await accepted(prompt("m.safetensors"), { modelFiles });
  await accepted(prompt("built in"), { modelFiles });
  await accepted(prompt("whatever"));
  const failure = await refused(prompt("other"), { modelFiles });
  expect(failure.node_errors["1"]?.errors).toEqual([
    {
      type: "value_not_in_list",
      message: "Value not in list",
      details: "model: 'other' not in ['m.safetensors', 'built in']",
      extra_info: {
        input_name: "model",
        input_config: [["m.safetensors", "built in"], {}],
        received_value: "other",
      },
    },
  ]);
});

test("a file is looked up in the folder that its name says", async () => {
  const asked: unknown[] = [];
  const prompt = {
    "1": { class_type: "Load", inputs: { model: "m", image: "sub/a.png [output]" } },
  };
  const failure = await refused(prompt, {
    fileExists: async (file) => {
      asked.push(file);
      return false;
    },
  });
  expect(asked).toEqual([{ folder: "output", name: "sub/a.png" }]);
  expect(failure.node_errors["1"]?.errors[0]?.details).toContain(
    "image: 'sub/a.png [output]' not in",
  );
});
