import fc from "fast-check";
import { expect, test } from "vitest";
import { parseServerSentEvents, type ServerSentMessage } from "../../src/watch/sse-parser.ts";

async function parse(...chunks: readonly Uint8Array[]): Promise<readonly ServerSentMessage[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const messages: ServerSentMessage[] = [];
  for await (const message of parseServerSentEvents(body)) messages.push(message);
  return messages;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("data lines are joined, ids stay in force, comments and unfinished messages are left out", async () => {
  const text =
    ': hello\nid: 7\ndata: {"a":\ndata: 1}\n\nevent: x\nretry: 5\ndata:second\n\ndata: cut off';
  expect(await parse(bytes(text))).toEqual([
    { id: "7", data: '{"a":\n1}' },
    { id: "7", data: "second" },
  ]);
});

test("it does not matter where the network cuts the text, nor how its lines end", async () => {
  const cuts = fc.array(fc.nat(60), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.constantFrom("\n", "\r\n", "\r"), async (places, newline) => {
      const whole = bytes(
        ["id: 1", "data: grün 🐇", "", "id: 2.3", "data: b", "", ""].join(newline),
      );
      const edges = [0, ...places.filter((at) => at < whole.length), whole.length].sort(
        (a, b) => a - b,
      );
      const chunks = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge));
      expect(await parse(...chunks, bytes(newline === "\r" ? "\n" : ""))).toEqual([
        { id: "1", data: "grün 🐇" },
        { id: "2.3", data: "b" },
      ]);
    }),
  );
});

test("a line is looked through once, in however many chunks it comes", async () => {
  const count = 20_000;
  const chunk = bytes("x".repeat(4_096));
  const chunks = [bytes("data: "), ...Array.from({ length: count }, () => chunk), bytes("\n\n")];
  const [message] = await parse(...chunks);
  expect(message?.data.length).toBe(count * 4_096);
});
