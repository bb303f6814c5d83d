/**
 * Which of ONNX Runtime's several ways to compute a thing each execution provider is given. All of them compute the
 * same; they differ in what kernels the provider has. Measured for "cpu" only: MultiHeadAttention never holds the
 * N x N matrix of scores, GroupNormalization beats the InstanceNormalization detour three times in a VAE decoder,
 * QuickGelu with alpha 1 is SiLU in one pass.
 */
export interface OperatorChoice {
  /** Type of activations between a graph's borders, which are always F32. */
  readonly compute: "F32" | "F16";
  /** "fused": com.microsoft's MultiHeadAttention; "plain": MatMul, Softmax, MatMul. */
  readonly attention: "fused" | "plain";
  /** "native": GroupNormalization of opset 21; "instance": InstanceNormalization over groups. */
  readonly groupNorm: "native" | "instance";
  /** "fused": com.microsoft's QuickGelu; "plain": x Sigmoid(ax). */
  readonly gatedSigmoid: "fused" | "plain";
  /** Type of weights in 8 bits, in layers that ask for them; activations are unsigned there. @default no 8 bits */
  readonly byteWeights?: ByteType;
}

export const operatorChoices = {
  cpu: { compute: "F32", attention: "fused", groupNorm: "native", gatedSigmoid: "fused" },
  cuda: { compute: "F16", attention: "fused", groupNorm: "native", gatedSigmoid: "fused" },
  tensorrt: { compute: "F16", attention: "plain", groupNorm: "instance", gatedSigmoid: "plain" },
  webgpu: { compute: "F16", attention: "fused", groupNorm: "instance", gatedSigmoid: "fused" },
  coreml: { compute: "F32", attention: "plain", groupNorm: "instance", gatedSigmoid: "plain" },
  dml: { compute: "F16", attention: "plain", groupNorm: "instance", gatedSigmoid: "plain" },
} as const satisfies Record<string, OperatorChoice>;

export type Provider = keyof typeof operatorChoices;

/** Signed bytes, or unsigned ones around 128. */
export type ByteType = "I8" | "U8";
