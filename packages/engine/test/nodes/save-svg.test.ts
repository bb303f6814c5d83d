import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { openWorkbench } from "./evaluate.ts";

test("SaveSVGNode saves each document with the graph in its metadata", async () => {
  await using bench = await openWorkbench();
  const documents = ['<?xml version="1.0"?>\n<svg width="1">é</svg>', "<svg></svg>"];
  const svg = { data: documents.map((text) => Buffer.from(text)) };
  const prompt = { "1": { class_type: "A", inputs: { text: "a]]>b" } } };
  const saved = await bench.call("SaveSVGNode", { svg, filename_prefix: "svg/ComfyUI", prompt });
  expect(saved).toEqual({
    ui: {
      images: [
        { filename: "ComfyUI_00001_.svg", subfolder: "svg", type: "output" },
        { filename: "ComfyUI_00002_.svg", subfolder: "svg", type: "output" },
      ],
    },
  });
  const file = path.join(bench.files.folder("output"), "svg", "ComfyUI_00001_.svg");
  const text = await readFile(file, "utf8");
  expect(text).toMatch(
    /^<\?xml version="1\.0"\?>\n<svg width="1">\n<metadata><!\[CDATA\[.*é<\/svg>$/s,
  );
  const data = [...text.matchAll(/<!\[CDATA\[(.*?)\]\]>/gs)].map(([, part]) => part).join("");
  expect(JSON.parse(data)).toEqual({ prompt });
});

test("a document of tags that never end is saved as it is", async () => {
  await using bench = await openWorkbench();
  const text = "<svg ".repeat(60_000);
  const prompt = { "1": { class_type: "A", inputs: {} } };
  const svg = { data: [Buffer.from(text)] };
  await bench.call("SaveSVGNode", { svg, filename_prefix: "open", prompt });
  const file = path.join(bench.files.folder("output"), "open_00001_.svg");
  expect(await readFile(file, "utf8")).toBe(text);
});
