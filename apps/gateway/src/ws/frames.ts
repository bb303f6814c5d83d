import type { PreviewEvent } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";

/** What goes out on a socket: one text frame, or a preview whose binary form depends on the socket. */
export type Outgoing =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Buffer }
  | Picture;

export interface Picture {
  readonly kind: "preview";
  /** A node's result, saved nowhere: every one counts. Else of a step, of which the newest does. */
  readonly isResult: boolean;
  readonly sizeBytes: number;
  readonly plain: () => Buffer;
  readonly withMetadata: () => Buffer;
}

/** A text frame. It begins with `{"type":`: clients tell text from binary by the first eight bytes. */
export function message(type: string, data: unknown): Outgoing {
  return rawMessage(type, stringifyJson(data, { form: "python" }));
}

/** The same for data that is JSON already. */
export function rawMessage(type: string, json: string): Outgoing {
  return { kind: "text", text: `{"type": "${type}", "data": ${json}}` };
}

/** Numbers of ComfyUI's binary events. */
const PREVIEW_IMAGE = 1;
const TEXT = 3;
const PREVIEW_IMAGE_WITH_METADATA = 4;

/** A picture in both of its forms; each is made once, when a first socket wants it. */
export function preview(event: PreviewEvent): Picture {
  const { jobId, nodeId, displayNodeId, parentNodeId, realNodeId, contentType, image } = event;
  const { width, height } = event;
  const metadata = {
    node_id: nodeId,
    prompt_id: jobId,
    display_node_id: displayNodeId ?? nodeId,
    parent_node_id: parentNodeId ?? null,
    real_node_id: realNodeId ?? nodeId,
    image_type: contentType,
  };
  return {
    kind: "preview",
    // Steps say the size of what they show.
    isResult: width === 0 && height === 0,
    sizeBytes: image.byteLength,
    plain: once(() =>
      Buffer.concat([uint32(PREVIEW_IMAGE), uint32(contentType === "image/png" ? 2 : 1), image]),
    ),
    withMetadata: once(() => {
      const json = Buffer.from(stringifyJson(metadata, { form: "python" }));
      return Buffer.concat([
        uint32(PREVIEW_IMAGE_WITH_METADATA),
        uint32(json.byteLength),
        json,
        image,
      ]);
    }),
  };
}

/** A line of text under a node. */
export function nodeText(nodeId: string, text: string): Outgoing {
  const id = Buffer.from(nodeId);
  return {
    kind: "binary",
    bytes: Buffer.concat([uint32(TEXT), uint32(id.byteLength), id, Buffer.from(text)]),
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
