/** One message of a `text/event-stream`: its data lines joined, and the id that was in force. */
export interface ServerSentMessage {
  readonly id: string;
  readonly data: string;
}

/** Reads a `text/event-stream` (WHATWG HTML, section 9.2.6). Comments, event names and retry times are left out. */
export async function* parseServerSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentMessage, void, undefined> {
  let id = "";
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    if (line === "") {
      if (data.length > 0) yield { id, data: data.join("\n") };
      data = [];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "data") data.push(value);
    if (field === "id" && !value.includes("\0")) id = value;
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  /** The line under way: a picture's comes in a thousand chunks, and each is looked through once. */
  let parts: string[] = [];
  let carried = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = carried + decoder.decode(value, { stream: true });
      // A CR at the very end may be half of a CRLF: it waits for what follows.
      carried = text.endsWith("\r") ? "\r" : "";
      const [first = "", ...others] = text
        .slice(0, text.length - carried.length)
        .split(/\r\n|\n|\r/);
      parts.push(first);
      for (const next of others) {
        yield parts.join("");
        parts = [next];
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
