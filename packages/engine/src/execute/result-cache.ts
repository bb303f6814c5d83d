import type { NodeOutput } from "@rabbitloom/protocol";
import type { Signature } from "./signature.ts";
import { sizeOfValues } from "./value-size.ts";

/** What a finished node leaves: each output as a list of values, and what it showed. */
export interface FinishedNode {
  readonly outputs: readonly (readonly unknown[])[];
  readonly ui: NodeOutput | null;
}

/**
 * Which results outlive their prompt:
 * `classic` those of the latest prompt's nodes, as ComfyUI by default; `lru` the latest N; `memory` the
 * latest that fit into so many bytes; `none` nothing.
 */
export type CachePolicy =
  | { readonly kind: "classic" }
  | { readonly kind: "lru"; readonly entries: number }
  | { readonly kind: "memory"; readonly bytes: number }
  | { readonly kind: "none" };

export interface ResultCache {
  readonly kind: CachePolicy["kind"];
  get(signature: Signature): FinishedNode | undefined;
  /** `root` is the signature of the node in the user's graph that this one belongs to: itself or an ancestor. */
  set(signature: Signature, result: FinishedNode, root: Signature): void;
  /** Tells the cache which nodes the prompt that begins now has. */
  beginPrompt(signatures: ReadonlySet<Signature>): void;
  clear(): void;
  readonly size: number;
  /** Bytes of the values held; 0 unless the policy counts them. */
  readonly bytes: number;
}

interface Entry {
  readonly result: FinishedNode;
  readonly root: Signature;
  readonly bytes: number;
}

export function createResultCache(policy: CachePolicy): ResultCache {
  // Insertion order is order of use: `get` moves an entry to the end.
  const entries = new Map<Signature, Entry>();
  let bytes = 0;

  function remove(signature: Signature): void {
    bytes -= entries.get(signature)?.bytes ?? 0;
    entries.delete(signature);
  }

  function evict(): void {
    for (const signature of entries.keys()) {
      const isFull =
        (policy.kind === "lru" && entries.size > policy.entries) ||
        (policy.kind === "memory" && bytes > policy.bytes);
      if (!isFull) return;
      remove(signature);
    }
  }

  return {
    kind: policy.kind,
    get(signature) {
      const entry = entries.get(signature);
      if (entry === undefined) return undefined;
      entries.delete(signature);
      entries.set(signature, entry);
      return entry.result;
    },
    set(signature, result, root) {
      if (policy.kind === "none") return;
      remove(signature);
      const size = policy.kind === "memory" ? sizeOfValues(result.outputs) : 0;
      entries.set(signature, { result, root, bytes: size });
      bytes += size;
      evict();
    },
    beginPrompt(signatures) {
      if (policy.kind !== "classic") return;
      for (const [signature, { root }] of entries) if (!signatures.has(root)) remove(signature);
    },
    clear() {
      entries.clear();
      bytes = 0;
    },
    get size() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
