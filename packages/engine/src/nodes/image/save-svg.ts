import { defineNode } from "../define-node.ts";
import { custom, string } from "../input.ts";
import type { SubmittedGraph } from "../saving/node-value.ts";
import { saveFiles } from "../saving/output-files.ts";
import { graphText } from "../saving/save-pictures.ts";

/** SVG: one or more documents, UTF-8. */
export type SvgDocuments = { readonly data: readonly Uint8Array[] };

export const saveSvg = defineNode({
  name: "SaveSVGNode",
  category: "image/save",
  module: "comfy_extras.nodes_images",
  inputs: {
    svg: custom<SvgDocuments>("SVG"),
    filename_prefix: string({ default: "svg/ComfyUI" }),
  },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ svg, filename_prefix, prompt, extra_pnginfo }, context) => {
    const graph = { prompt, extraPngInfo: extra_pnginfo };
    const images = await saveFiles(context, {
      type: "output",
      prefix: filename_prefix,
      extension: ".svg",
      facts: { ...graph, width: 0, height: 0 },
      count: svg.data.length,
      content: (index) => withMetadata(svg.data[index] ?? new Uint8Array(), graph),
    });
    return { ui: { images } };
  },
});

/** Puts the prompt and the workflow, one JSON object, right behind the opening tag. */
function withMetadata(svg: Uint8Array, graph: SubmittedGraph): Uint8Array {
  const entries = Object.entries(graphText(graph));
  if (entries.length === 0) return svg;
  const json = `{${entries.map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ")}}`;
  // A CDATA section ends at its first "]]>": split there, it goes on in a second one.
  const data = json.replaceAll("]]>", "]]]]><![CDATA[>");
  const element = `\n<metadata><![CDATA[${data}]]></metadata>\n`;
  const text = Buffer.from(svg).toString("utf8");
  const end = endOfOpeningTag(text);
  return Buffer.from(text.slice(0, end) + (end > 0 ? element : "") + text.slice(end), "utf8");
}

/** 0 where there is none. No pattern for the whole tag: each "<svg" would have its ">" looked for through all of the text. */
function endOfOpeningTag(text: string): number {
  const start = text.search(/<svg[\s>]/);
  return start < 0 ? 0 : text.indexOf(">", start) + 1;
}
