import { clip, defineNode, float, image, int, model, string, vae } from "@rabbitloom/engine";
import { picture } from "./pictures.ts";

const category = "Testing/Nodes";

/** Expands to two mixes that need each other. */
export const testDynamicDependencyCycle = defineNode({
  name: "TestDynamicDependencyCycle",
  displayName: "Dynamic Dependency Cycle",
  category,
  inputs: { input1: image(), input2: image() },
  outputs: ["IMAGE"],
  run({ input1, input2 }, { graphBuilder }) {
    const graph = graphBuilder();
    const mask = graph.node("StubMask", { value: 0.5, height: 512, width: 512, batch_size: 1 });
    const first = graph.node("TestLazyMixImages", { image1: input1, mask: mask.out(0) });
    const second = graph.node("TestLazyMixImages", {
      image1: first.out(0),
      image2: input2,
      mask: mask.out(0),
    });
    first.setInput("image2", second.out(0));
    return { result: [second.out(0)], expand: graph.finalize() };
  },
});

/** One way to return for each of three values: outputs, the long form, an expansion. */
export const testMixedExpansionReturns = defineNode({
  name: "TestMixedExpansionReturns",
  displayName: "Mixed Expansion Returns",
  category,
  inputs: { input1: float() },
  outputs: ["IMAGE", "IMAGE"],
  run({ input1 }, { graphBuilder }) {
    const white = picture(1);
    if (input1 <= 0.1) return [picture(0.1), white];
    if (input1 <= 0.2) return { result: [picture(0.2), white] };
    const graph = graphBuilder();
    const size = { height: 512, width: 512, batch_size: 1 };
    const mask = graph.node("StubMask", { value: 0.3, ...size });
    const black = graph.node("StubImage", { content: "BLACK", ...size });
    const light = graph.node("StubImage", { content: "WHITE", ...size });
    const mix = graph.node("TestLazyMixImages", {
      image1: black.out(0),
      image2: light.out(0),
      mask: mask.out(0),
    });
    return { result: [mix.out(0), white], expand: graph.finalize() };
  },
});

/** A whole text-to-picture run as an expansion. */
export const testSamplingInExpansion = defineNode({
  name: "TestSamplingInExpansion",
  displayName: "Sampling In Expansion",
  category,
  inputs: {
    model: model(),
    clip: clip(),
    vae: vae(),
    seed: int({ default: 0, min: 0, max: 2 ** 64 }),
    steps: int({ default: 20, min: 1, max: 100 }),
    cfg: float({ default: 7, min: 0, max: 30 }),
    prompt: string({ multiline: true, default: "a beautiful landscape with mountains and trees" }),
    negative_prompt: string({ multiline: true, default: "blurry, bad quality, worst quality" }),
  },
  outputs: ["IMAGE"],
  run({ model, clip, vae, seed, steps, cfg, prompt, negative_prompt }, { graphBuilder }) {
    const graph = graphBuilder();
    const positive = graph.node("CLIPTextEncode", { text: prompt, clip });
    const negative = graph.node("CLIPTextEncode", { text: negative_prompt, clip });
    const empty = graph.node("EmptyLatentImage", { width: 512, height: 512, batch_size: 1 });
    const sampled = graph.node("KSampler", {
      model,
      positive: positive.out(0),
      negative: negative.out(0),
      latent_image: empty.out(0),
      seed,
      steps,
      cfg,
      sampler_name: "euler_ancestral",
      scheduler: "normal",
    });
    const decoded = graph.node("VAEDecode", { samples: sampled.out(0), vae });
    return { result: [decoded.out(0)], expand: graph.finalize() };
  },
});
