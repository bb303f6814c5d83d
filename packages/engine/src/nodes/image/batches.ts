/** Nodes that take image batches apart and put them together. */
import { concatenateBatches, repeatToBatch, sliceBatch } from "../../image/batch.ts";
import { defineNode } from "../define-node.ts";
import { image, int } from "../input.ts";

export const repeatImageBatch = defineNode({
  name: "RepeatImageBatch",
  category: "image/batch",
  module: "comfy_extras.nodes_images",
  inputs: { image: image(), amount: int({ default: 1, min: 1, max: 4096 }) },
  outputs: ["IMAGE"],
  run: ({ image, amount }) => [repeatToBatch(image, (image.shape[0] ?? 1) * amount)],
});

/** Index and length are cut to what the batch has. */
export const imageFromBatch = defineNode({
  name: "ImageFromBatch",
  category: "image/batch",
  module: "comfy_extras.nodes_images",
  inputs: {
    image: image(),
    batch_index: int({ default: 0, min: 0, max: 4095 }),
    length: int({ default: 1, min: 1, max: 4096 }),
  },
  outputs: ["IMAGE"],
  run: ({ image, batch_index, length }) => {
    const count = image.shape[0] ?? 1;
    const start = Math.min(count - 1, batch_index);
    return [sliceBatch(image, start, Math.min(count - start, length))];
  },
});

/** All entries of all batches, in batches of `batch_size`; the last may be smaller. */
export const rebatchImages = defineNode({
  name: "RebatchImages",
  displayName: "Rebatch Images",
  category: "image/batch",
  module: "comfy_extras.nodes_rebatch",
  schema: "v3",
  inputs: { images: image(), batch_size: int({ default: 1, min: 1, max: 4096 }) },
  inputIsList: true,
  outputs: [{ type: "IMAGE", isList: true }],
  run: ({ images, batch_size: [batchSize = 1] }) => {
    const singles = images.flatMap((batch) =>
      Array.from({ length: batch.shape[0] ?? 1 }, (_, i) => sliceBatch(batch, i, 1)),
    );
    const batches = Array.from({ length: Math.ceil(singles.length / batchSize) }, (_, i) =>
      concatenateBatches(singles.slice(i * batchSize, (i + 1) * batchSize)),
    );
    return [batches];
  },
});
