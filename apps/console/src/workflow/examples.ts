/** Workflows to begin with: they need no model files. */
export interface Example {
  readonly name: string;
  readonly prompt: object;
}

export const examples: readonly Example[] = [
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
