import { bytesToFloats } from "../../image/bytes.ts";
import { DEFAULT_MAX_PIXELS, decodeImageFile } from "../../image/decode.ts";
import type { DecodedFrame } from "../../image/decoded-frame.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode, type NodeClass } from "../define-node.ts";
import { combo, inputFile } from "../input.ts";
import { checkPicture, fileDigest } from "./loaded-picture.ts";

const CHANNELS = ["alpha", "red", "green", "blue"] as const;

/** One channel of the first frame; alpha is inverted, and nothing is masked where a file has none. */
export function loadImageMask(maxInputPixels = DEFAULT_MAX_PIXELS): NodeClass {
  return defineNode({
    name: "LoadImageMask",
    displayName: "Load Image (as Mask)",
    category: "mask",
    inputs: {
      image: inputFile({ media: "image" }, { image_upload: true }),
      channel: combo(CHANNELS),
    },
    outputs: ["MASK"],
    validate: {
      takes: ["image"],
      check: ({ image }, context) => checkPicture(context.files, image),
    },
    isChanged: ({ image }, context) => fileDigest(context.files, image),
    run: async ({ image, channel }, context) => {
      const path = context.files.annotatedPath(image);
      const [frame] = await decodeImageFile(path, { maxPixels: maxInputPixels });
      if (frame === undefined) throw new Error(`${image} has no frame`);
      return [channelMask(frame, channel)];
    },
  });
}

function channelMask({ color, alpha }: DecodedFrame, channel: (typeof CHANNELS)[number]): Tensor {
  const shape = [1, color.height, color.width];
  if (channel === "alpha") {
    if (alpha === undefined) return tensor(shape);
    return tensor(
      shape,
      bytesToFloats(alpha).map((value) => 1 - value),
    );
  }
  const offset = CHANNELS.indexOf(channel) - 1;
  const bytes = new Uint8Array(color.height * color.width);
  for (let i = 0; i < bytes.length; i++) bytes[i] = color.bytes[i * 3 + offset]!;
  return tensor(shape, bytesToFloats(bytes));
}
