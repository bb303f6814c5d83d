/** Workflows to begin with: they need no models but the one that comes along. */
export interface Example {
  readonly name: string;
  readonly prompt: object;
}

export const examples: readonly Example[] = [
  {
    name: "A picture of a sentence",
    prompt: {
      "1": {
        class_type: "CheckpointLoaderSimple",
        inputs: { ckpt_name: "loom-shapes.safetensors" },
        _meta: { title: "Model" },
      },
      "2": {
        class_type: "CLIPTextEncode",
        inputs: {
          text: "a large red circle left of a small blue square on a yellow background",
          clip: ["1", 1],
        },
        _meta: { title: "Sentence" },
      },
      "3": {
        class_type: "CLIPTextEncode",
        inputs: { text: "", clip: ["1", 1] },
        _meta: { title: "What to avoid" },
      },
      "4": {
        class_type: "EmptyLatentImage",
        inputs: { width: 128, height: 128, batch_size: 1 },
        _meta: { title: "Size" },
      },
      "5": {
        class_type: "KSampler",
        inputs: {
          model: ["1", 0],
          positive: ["2", 0],
          negative: ["3", 0],
          latent_image: ["4", 0],
          seed: 1,
          steps: 20,
          cfg: 4,
          sampler_name: "euler",
          scheduler: "normal",
          denoise: 1,
        },
        _meta: { title: "Sampler" },
      },
      "6": {
        class_type: "VAEDecode",
        inputs: { samples: ["5", 0], vae: ["1", 2] },
        _meta: { title: "Decode" },
      },
      "7": {
        class_type: "SaveImage",
        inputs: { images: ["6", 0], filename_prefix: "shapes" },
        _meta: { title: "Save" },
      },
    },
  },
  {
    name: "Scale and sharpen a picture",
    prompt: {
      "1": { class_type: "LoadImage", inputs: { image: "" }, _meta: { title: "Picture" } },
      "2": {
        class_type: "ImageScaleBy",
        inputs: { image: ["1", 0], upscale_method: "lanczos", scale_by: 2 },
        _meta: { title: "Scale" },
      },
      "3": {
        class_type: "ImageSharpen",
        inputs: { image: ["2", 0], sharpen_radius: 2, sigma: 1, alpha: 0.6 },
        _meta: { title: "Sharpen" },
      },
      "4": {
        class_type: "SaveImage",
        inputs: { images: ["3", 0], filename_prefix: "sharpened" },
        _meta: { title: "Save" },
      },
    },
  },
  {
    name: "Blend two colours",
    prompt: {
      "1": {
        class_type: "EmptyImage",
        inputs: { width: 640, height: 400, batch_size: 1, color: 0x2f6f5e },
        _meta: { title: "Green" },
      },
      "2": {
        class_type: "EmptyImage",
        inputs: { width: 640, height: 400, batch_size: 1, color: 0xe0b050 },
        _meta: { title: "Yellow" },
      },
      "3": {
        class_type: "ImageBlend",
        inputs: { image1: ["1", 0], image2: ["2", 0], blend_factor: 0.5, blend_mode: "normal" },
        _meta: { title: "Blend" },
      },
      "4": {
        class_type: "SaveImage",
        inputs: { images: ["3", 0], filename_prefix: "blended" },
        _meta: { title: "Save" },
      },
    },
  },
];
