/**
 * The VAE of Stable Diffusion (autoencoder.py of CompVis's latent-diffusion): encoder and decoder, each a graph of its own.
 * B batch, z latent channels, H W pixels, h w latent pixels.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers } from "./layers.ts";
import { attention, enlarge, silu, toMap, toTokens } from "./operators.ts";
import { entryOf, type Weights } from "./weights.ts";

const EPSILON = 1e-6;

/** Input `latents` [B,z,h,w], output `pixels` [B,3,H,W], about -1..1. */
export function buildDecoder(graph: Graph, weights: Weights): void {
  const vae = createLayers(graph, weights);
  const decoder = vae.under("decoder");
  const { latentChannels } = autoencoderShape(weights);
  let h = graph.input("latents", ["B", latentChannels, "h", "w"]);
  if (vae.hasBelow("post_quant_conv")) h = vae.conv("post_quant_conv", h);
  h = middle(decoder.under("mid"), decoder.conv("conv_in", h));
  const levels = decoder.count((level) => `up.${level}`);
  for (let level = levels - 1; level >= 0; level--) {
    const up = decoder.under(`up.${level}`);
    h = residualBlocks(up, h);
    if (up.hasBelow("upsample")) h = up.conv("upsample.conv", enlarge(graph, h));
  }
  h = silu(graph, decoder.groupNorm("norm_out", h, EPSILON));
  graph.output("pixels", decoder.conv("conv_out", h), ["B", 3, "H", "W"]);
}

/** Input `pixels` [B,3,H,W], -1..1; output `moments` [B,2z,h,w]: means, then log variances. */
export function buildEncoder(graph: Graph, weights: Weights): void {
  const vae = createLayers(graph, weights);
  const encoder = vae.under("encoder");
  let h = encoder.conv("conv_in", graph.input("pixels", ["B", 3, "H", "W"]));
  const levels = encoder.count((level) => `down.${level}`);
  for (let level = 0; level < levels; level++) {
    const down = encoder.under(`down.${level}`);
    h = residualBlocks(down, h);
    if (down.hasBelow("downsample")) h = downsample(down, h);
  }
  h = middle(encoder.under("mid"), h);
  h = silu(graph, encoder.groupNorm("norm_out", h, EPSILON));
  h = encoder.conv("conv_out", h);
  if (vae.hasBelow("quant_conv")) h = vae.conv("quant_conv", h);
  const { latentChannels } = autoencoderShape(weights);
  graph.output("moments", h, ["B", 2 * latentChannels, "h", "w"]);
}

export interface AutoencoderShape {
  readonly latentChannels: number;
  /** Pixels along the side of one latent pixel. */
  readonly downscale: number;
}

export function autoencoderShape(weights: Weights): AutoencoderShape {
  let downscale = 1;
  for (const key of weights.tensors.keys()) {
    if (/^decoder\.up\.\d+\.upsample\.conv\.weight$/.test(key)) downscale *= 2;
  }
  const [, latentChannels = 0] = entryOf(weights, "decoder.conv_in.weight").shape;
  return { latentChannels, downscale };
}

/** Pads right and below only, as the encoder was trained. */
function downsample(layer: Layers, x: Value): Value {
  return layer.conv("downsample.conv", x, { stride: 2, pads: [0, 0, 1, 1] });
}

function residualBlocks(layers: Layers, x: Value): Value {
  let h = x;
  const blocks = layers.count((index) => `block.${index}`);
  for (let index = 0; index < blocks; index++) h = residualBlock(layers.under(`block.${index}`), h);
  return h;
}

function middle(layers: Layers, x: Value): Value {
  const h = attentionBlock(layers.under("attn_1"), residualBlock(layers.under("block_1"), x));
  return residualBlock(layers.under("block_2"), h);
}

function residualBlock(layer: Layers, x: Value): Value {
  const { graph } = layer;
  let h = layer.conv("conv1", silu(graph, layer.groupNorm("norm1", x, EPSILON)));
  h = layer.conv("conv2", silu(graph, layer.groupNorm("norm2", h, EPSILON)));
  const [after, before] = layer.shape("conv1.weight");
  const kept = after === before ? x : layer.conv("nin_shortcut", x);
  return graph.add("Add", [kept, h]);
}

/** One head over all pixels. */
function attentionBlock(layer: Layers, x: Value): Value {
  const { graph } = layer;
  const [channels = 0] = layer.shape("norm.weight");
  const tokens = toTokens(graph, layer.groupNorm("norm", x, EPSILON), channels);
  const [q, k, v] = [
    layer.linear("q", tokens),
    layer.linear("k", tokens),
    layer.linear("v", tokens),
  ];
  const mixed = layer.linear("proj_out", attention(graph, { q, k, v, heads: 1, channels }));
  return graph.add("Add", [x, toMap(graph, mixed, { like: x, channels })]);
}
