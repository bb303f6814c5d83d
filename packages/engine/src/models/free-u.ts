/** FreeU: on the way up, more of what the network made itself, less of the skips' coarse shapes. Si et al. 2023, arXiv:2309.11497. */
import type { Graph, Value } from "../ort/graph.ts";
import { shapePart } from "./operators.ts";

export interface FreeU {
  /** The second makes more of the pixels that are above the mean. */
  readonly version: 1 | 2;
  /** Of blocks with four times the network's base channels, then of those with twice as many. */
  readonly backbone: readonly [number, number];
  readonly skip: readonly [number, number];
}

/** The order of the four numbers in the graph's input `freeu`. */
export function freeUNumbers({ backbone, skip }: FreeU): Float32Array {
  return Float32Array.of(...backbone, ...skip);
}

export interface FreeUBlock {
  readonly version: FreeU["version"];
  /** [4] */
  readonly numbers: Value;
  /** [B,C,H,W]: the network's own. */
  readonly h: Value;
  readonly channels: number;
  readonly skip: Value;
  /** 0 for blocks of four times the base channels, 1 for twice. */
  readonly place: 0 | 1;
}

export function freeU(
  graph: Graph,
  block: FreeUBlock,
): { readonly h: Value; readonly skip: Value } {
  const { numbers, h, channels, skip, place, version } = block;
  const pick = (index: number) =>
    graph.add("Gather", [numbers, graph.integers([index])], { axis: 0 });
  const backbone = pick(place);
  const half = Math.floor(channels / 2);
  const first = part(graph, h, [0, half]);
  const factor = version === 1 ? backbone : byMean(graph, h, backbone);
  const stronger = graph.add("Mul", [first, factor]);
  return {
    h: graph.add("Concat", [stronger, part(graph, h, [half, channels])], { axis: 1 }),
    skip: withLowFrequencies(graph, skip, pick(2 + place)),
  };
}

const part = (graph: Graph, x: Value, [start, end]: readonly [number, number]): Value =>
  graph.add("Slice", [x, graph.integers([start]), graph.integers([end]), graph.integers([1])]);

/** (b - 1) m + 1, with m the mean over channels brought to 0..1: [B,1,H,W] */
function byMean(graph: Graph, h: Value, backbone: Value): Value {
  const mean = graph.add("ReduceMean", [h, graph.integers([1])], { keepdims: 1 });
  const over = graph.integers([2, 3]);
  const most = graph.add("ReduceMax", [mean, over], { keepdims: 1 });
  const least = graph.add("ReduceMin", [mean, over], { keepdims: 1 });
  const range = graph.add("Sub", [most, least]);
  const share = graph.add("Div", [graph.add("Sub", [mean, least]), range]);
  const one = graph.once("one", () => graph.constant([1], [1]));
  const surplus = graph.add("Sub", [backbone, one]);
  return graph.add("Add", [graph.add("Mul", [surplus, share]), one]);
}

/**
 * x + (s - 1) low(x): low holds the frequencies 0 and -1 of both axes, of which only the real part is kept. Each is a wave
 * over the map, so that low(x) is x's shares of eight waves (four cosines, four sines) put together again.
 */
function withLowFrequencies(graph: Graph, x: Value, factor: Value): Value {
  const { waves, weighted } = wavesFor(graph, x);
  const flatShape = graph.add("Concat", [shapePart(graph, x, 0, 2), graph.integers([-1])], {
    axis: 0,
  });
  const flat = graph.add("Reshape", [x, flatShape]);
  const shares = graph.add("MatMul", [flat, graph.add("Transpose", [waves], { perm: [1, 0] })]);
  const low = graph.add("MatMul", [shares, weighted]);
  const one = graph.once("one", () => graph.constant([1], [1]));
  const change = graph.add("Mul", [low, graph.add("Sub", [factor, one])]);
  return graph.add("Add", [x, graph.add("Reshape", [change, shapePart(graph, x, 0, 4)])]);
}

/** [8,HW], and the same over HW; a side of one pixel has no frequency but 0. */
function wavesFor(graph: Graph, x: Value): { readonly waves: Value; readonly weighted: Value } {
  const raw = { raw: true } as const;
  const number = (value: number) => graph.constant([value], [], raw);
  const side = (axis: number) => {
    const size = graph.add("Cast", [shapePart(graph, x, axis, axis + 1)], { to: FLOAT });
    const length = graph.add("Squeeze", [size, graph.integers([0])]);
    const places = graph.add("Range", [number(0), length, number(1)]);
    const angles = graph.add("Div", [graph.add("Mul", [places, number(2 * Math.PI)]), length]);
    const hasWave = graph.add("Min", [graph.add("Sub", [length, number(1)]), number(1)]);
    return { length, angles, hasWave };
  };
  const [rows, columns] = [side(2), side(3)];
  const down = graph.add("Unsqueeze", [rows.angles, graph.integers([1])]);
  const across = graph.add("Unsqueeze", [columns.angles, graph.integers([0])]);
  const both = graph.add("Add", [down, across]);
  const zeros = graph.add("Sub", [both, both]);
  const phases = [zeros, graph.add("Add", [down, zeros]), graph.add("Add", [across, zeros]), both];
  const flat = phases.map((phase) => graph.add("Reshape", [phase, graph.integers([1, -1])]));
  const angles = graph.add("Concat", flat, { axis: 0 });
  const waves = graph.add("Concat", [graph.add("Cos", [angles]), graph.add("Sin", [angles])], {
    axis: 0,
  });

  const scalar = (value: Value) => graph.add("Reshape", [value, graph.integers([1, 1])]);
  const weights = [
    scalar(number(1)),
    scalar(rows.hasWave),
    scalar(columns.hasWave),
    scalar(graph.add("Mul", [rows.hasWave, columns.hasWave])),
  ];
  const area = graph.add("Mul", [rows.length, columns.length]);
  const perWave = graph.add("Div", [
    graph.add("Concat", [...weights, ...weights], { axis: 0 }),
    area,
  ]);
  const weighted = graph.add("Mul", [waves, perWave]);
  return { waves: graph.computed(waves), weighted: graph.computed(weighted) };
}

/** TensorProto's number for 32-bit floats. */
const FLOAT = 1;
