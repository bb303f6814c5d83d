import { expect, test } from "vitest";
import * as z from "zod";
import { clientFeed } from "../../src/ws/client-feed.ts";
import type { ClientSocket } from "../../src/ws/client-socket.ts";
import { message, type Outgoing } from "../../src/ws/frames.ts";
import { fixture } from "../support/fixture.ts";
import {
  eventsOf,
  type RecordedMessage,
  recordedMessageSchema,
} from "../support/recorded-events.ts";

const runs = z
  .record(z.string(), z.object({ prompt_id: z.string(), messages: z.array(recordedMessageSchema) }))
  .parse(await fixture("ws-recorded.json"));

for (const [name, { prompt_id, messages }] of Object.entries(runs)) {
  const readsMetadata = name === "progress_preview_feature_flag_client";
  test(`${name}: a client hears what ComfyUI said, in its order`, async () => {
    const { socket, heard } = listener(readsMetadata);
    const feed = clientFeed({
      sendStatus: async (to) => to.send(message("status", {})),
    });
    feed.socket = socket;
    for (const event of eventsOf(prompt_id, messages)) feed.handle(event);
    await expect
      .poll(() => heard.at(-1))
      .toMatchObject({ type: "executing", data: { node: null } });

    // The first status answers the POST, before there is any event.
    expect(heard).toEqual(inStableOrder(messages.map(comparable).slice(1), readsMetadata));
  });
}

function listener(readsMetadata: boolean) {
  const heard: unknown[] = [];
  const socket: ClientSocket = {
    tenant: "default",
    clientId: "client",
    readsMetadata,
    isOpen: true,
    send: (frame: Outgoing) => heard.push(read(frame)),
    close: () => {},
  };

  function read(frame: Outgoing): unknown {
    if (frame.kind === "text") {
      expect(frame.text.startsWith('{"type":')).toBe(true);
      return comparable(recordedMessageSchema.parse(JSON.parse(frame.text)));
    }
    const bytes =
      frame.kind === "binary" ? frame.bytes : readsMetadata ? frame.withMetadata() : frame.plain();
    return { binary_event: bytes.readUInt32BE(0), b64: bytes.toString("base64") };
  }
  return { socket, heard };
}

function comparable(recorded: RecordedMessage): unknown {
  if ("binary_event" in recorded) {
    return { binary_event: recorded.binary_event, b64: recorded.b64 };
  }
  return recorded.type === "status" ? { type: "status" } : recorded;
}

/** Events come progress first; ComfyUI puts a preview with metadata before the progress of its step. */
function inStableOrder(messages: unknown[], readsMetadata: boolean): unknown[] {
  if (!readsMetadata) return messages;
  const ordered = [...messages];
  for (let i = 1; i < ordered.length; i++) {
    const isPreview = z.object({ binary_event: z.literal(4) }).safeParse(ordered[i - 1]).success;
    const isProgress = z.object({ type: z.literal("progress") }).safeParse(ordered[i]).success;
    if (isPreview && isProgress) [ordered[i - 1], ordered[i]] = [ordered[i], ordered[i - 1]];
  }
  return ordered;
}
