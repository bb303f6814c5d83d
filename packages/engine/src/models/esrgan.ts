/**
 * ESRGAN's generator: residual-in-residual dense blocks, then enlargements by two. Wang et al. 2018, arXiv:1809.00219.
 * B batch, C channels, H W pixels of what goes in; U enlargements.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers } from "./layers.ts";
import { enlarge } from "./operators.ts";
import type { TensorEntry, Weights } from "./weights.ts";

const SLOPE = 0.2;
/** Of what each residual block finds. */
const RESIDUAL_SCALE = 0.2;
const DENSE_BLOCKS = 3;

/** Input `pixels` [B,C,H,W], output `enlarged` [B,C',2^U H,2^U W]; keys as `withEsrganNames` gives them. */
export function buildEsrgan(graph: Graph, weights: Weights): void {
  const net = createLayers(graph, weights);
  const { inputs, outputs, enlargements } = esrganShape(weights);
  const first = net.conv("conv_first", graph.input("pixels", ["B", inputs, "H", "W"]));
  let h = first;
  const blocks = net.count((index) => `body.${index}`);
  for (let index = 0; index < blocks; index++) h = residualBlock(net.under(`body.${index}`), h);
  h = graph.add("Add", [first, net.conv("conv_body", h)]);
  for (let step = 1; step <= enlargements; step++) {
    h = leaky(graph, net.conv(`conv_up${step}`, enlarge(graph, h)));
  }
  h = net.conv("conv_last", leaky(graph, net.conv("conv_hr", h)));
  graph.output("enlarged", h, ["B", outputs, "H2", "W2"]);
}

export interface EsrganShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly enlargements: number;
}

export function esrganShape({ tensors }: Weights): EsrganShape {
  let enlargements = 0;
  while (tensors.has(`conv_up${enlargements + 1}.weight`)) enlargements += 1;
  return {
    inputs: tensors.get("conv_first.weight")?.shape[1] ?? 0,
    outputs: tensors.get("conv_last.weight")?.shape[0] ?? 0,
    enlargements,
  };
}

function residualBlock(layer: Layers, x: Value): Value {
  let h = x;
  for (let index = 1; index <= DENSE_BLOCKS; index++) h = denseBlock(layer.under(`rdb${index}`), h);
  return plusScaled(layer.graph, x, h);
}

/** Five convolutions, each seeing all before it; ESRGAN+ adds shortcuts. Rakotonirina and Rasoanaivo 2020, arXiv:2001.08073. */
function denseBlock(layer: Layers, x: Value): Value {
  const { graph } = layer;
  const hasShortcuts = layer.has("conv1x1.weight");
  const seen = [x];
  for (let index = 1; index <= 4; index++) {
    let h = leaky(graph, layer.conv(`conv${index}`, concat(graph, seen)));
    if (hasShortcuts && index === 2) {
      h = graph.add("Add", [h, layer.conv("conv1x1", x, { bias: false })]);
    }
    if (hasShortcuts && index === 4) h = graph.add("Add", [h, seen[2] ?? h]);
    seen.push(h);
  }
  return plusScaled(graph, x, layer.conv("conv5", concat(graph, seen)));
}

function plusScaled(graph: Graph, x: Value, found: Value): Value {
  const scale = graph.once("residual scale", () => graph.constant([RESIDUAL_SCALE], []));
  return graph.add("Add", [x, graph.add("Mul", [found, scale])]);
}

const leaky = (graph: Graph, x: Value): Value =>
  graph.add("LeakyRelu", [x], { alpha: { float: SLOPE } });

const concat = (graph: Graph, values: readonly Value[]): Value =>
  values.length === 1 ? (values[0] ?? "") : graph.add("Concat", [...values], { axis: 1 });

/** The keys of all forms that such files are published in, as Real-ESRGAN has them; nothing for files of other networks. */
export function withEsrganNames(file: Weights): Weights | undefined {
  const rename = file.tensors.has("model.0.weight") ? sequentialNames(file) : knownName;
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of file.tensors) tensors.set(rename(key), entry);
  const isEsrgan = tensors.has("conv_first.weight") && tensors.has("body.0.rdb1.conv1.weight");
  return isEsrgan ? { ...file, tensors } : undefined;
}

/** BSRGAN's names. */
const OTHER_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^RRDB_trunk\.(\d+)\.RDB(\d)\./, "body.$1.rdb$2."],
  [/^trunk_conv\./, "conv_body."],
  [/^upconv(\d)\./, "conv_up$1."],
  [/^HRconv\./, "conv_hr."],
];

function knownName(key: string): string {
  const other = OTHER_NAMES.find(([pattern]) => pattern.test(key));
  return other === undefined ? key : key.replace(other[0], other[1]);
}

/** The first form counts its layers through: those behind the trunk are the enlargements, then the last two. */
function sequentialNames({ tensors }: Weights): (key: string) => string {
  const places = [...tensors.keys()].flatMap(
    (key) => /^model\.(\d+)\.weight$/.exec(key)?.[1] ?? [],
  );
  const behind = places.map(Number).filter((place) => place > 0);
  const ordered = behind.sort((a, b) => a - b);
  const enlargements = ordered.length - 2;
  const names = ordered.map((_, index) =>
    index < enlargements ? `conv_up${index + 1}` : index === enlargements ? "conv_hr" : "conv_last",
  );
  return (key) => {
    const [, place = "", rest = ""] = /^model\.(\d+)\.(weight|bias)$/.exec(key) ?? [];
    if (place === "0") return `conv_first.${rest}`;
    if (place !== "") return `${names[ordered.indexOf(Number(place))]}.${rest}`;
    return key
      .replace(/^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0\./, "body.$1.rdb$2.$3.")
      .replace(/^model\.1\.sub\.(\d+)\.RDB(\d)\.conv1x1\.(0\.)?/, "body.$1.rdb$2.conv1x1.")
      .replace(/^model\.1\.sub\.\d+\.(weight|bias)$/, "conv_body.$1");
  };
}
