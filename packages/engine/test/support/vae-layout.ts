import type { Layout } from "./random-checkpoint.ts";

/** Keys and shapes of a VAE that makes an eighth of a picture's sides, as the published ones do, of few channels. */
export function vaeLayout(): Layout {
  return { ...encoder, ...decoder };
}

const WIDTH = 32;
const LATENT_CHANNELS = 4;
/** Between them the sides are halved. */
const LEVELS = [0, 1, 2, 3];

const pair = (key: string, ...shape: readonly number[]): Layout => ({
  [`${key}.weight`]: shape,
  [`${key}.bias`]: shape.slice(0, 1),
});
const merged = (parts: readonly Layout[]): Layout => Object.assign({}, ...parts);

const residual = (name: string): Layout => ({
  ...pair(`${name}.norm1`, WIDTH),
  ...pair(`${name}.conv1`, WIDTH, WIDTH, 3, 3),
  ...pair(`${name}.norm2`, WIDTH),
  ...pair(`${name}.conv2`, WIDTH, WIDTH, 3, 3),
});

const middle = (name: string): Layout => ({
  ...residual(`${name}.block_1`),
  ...pair(`${name}.attn_1.norm`, WIDTH),
  ...merged(
    ["q", "k", "v", "proj_out"].map((part) => pair(`${name}.attn_1.${part}`, WIDTH, WIDTH, 1, 1)),
  ),
  ...residual(`${name}.block_2`),
});

const encoder: Layout = {
  ...pair("encoder.conv_in", WIDTH, 3, 3, 3),
  ...merged(LEVELS.map((level) => residual(`encoder.down.${level}.block.0`))),
  ...merged(
    LEVELS.slice(0, -1).map((level) =>
      pair(`encoder.down.${level}.downsample.conv`, WIDTH, WIDTH, 3, 3),
    ),
  ),
  ...middle("encoder.mid"),
  ...pair("encoder.norm_out", WIDTH),
  ...pair("encoder.conv_out", 2 * LATENT_CHANNELS, WIDTH, 3, 3),
  ...pair("quant_conv", 2 * LATENT_CHANNELS, 2 * LATENT_CHANNELS, 1, 1),
};

const decoder: Layout = {
  ...pair("post_quant_conv", LATENT_CHANNELS, LATENT_CHANNELS, 1, 1),
  ...pair("decoder.conv_in", WIDTH, LATENT_CHANNELS, 3, 3),
  ...middle("decoder.mid"),
  ...merged(LEVELS.map((level) => residual(`decoder.up.${level}.block.0`))),
  ...merged(
    LEVELS.slice(1).map((level) => pair(`decoder.up.${level}.upsample.conv`, WIDTH, WIDTH, 3, 3)),
  ),
  ...pair("decoder.norm_out", WIDTH),
  ...pair("decoder.conv_out", 3, WIDTH, 3, 3),
};
