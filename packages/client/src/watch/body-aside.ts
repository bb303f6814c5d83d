import type { IStompSocket } from "@stomp/stompjs";

/** The body of the message that stompjs is handing out right now; undefined where stompjs read it itself. */
export interface BodyAside {
  readonly current: Uint8Array | undefined;
}

/**
 * stompjs reads frames byte by byte: a preview of 20 KB costs it a millisecond. So it is given the head of each message
 * alone, and the body stays here as a view of what arrived. To be called once stompjs listens to the socket.
 */
export function setBodiesAside(socket: IStompSocket): BodyAside {
  const read = socket.onmessage;
  const aside: { current: Uint8Array | undefined } = { current: undefined };
  socket.onmessage = (event) => {
    const parts = splitMessage(event.data);
    aside.current = parts?.body;
    // stompjs calls its subscribers before this returns.
    read?.call(socket, parts === undefined ? event : { data: parts.head });
    aside.current = undefined;
  };
  return aside;
}

const LF = 10;
const decoder = new TextDecoder();

/** Undefined for all but one whole MESSAGE frame that says its length: anything else is for stompjs as it is. */
export function splitMessage(
  data: unknown,
): { readonly head: string; readonly body: Uint8Array } | undefined {
  if (!(data instanceof ArrayBuffer)) return undefined;
  const bytes = new Uint8Array(data);
  const headEnd = endOfHead(bytes);
  if (headEnd === -1) return undefined;
  const head = decoder.decode(bytes.subarray(0, headEnd));
  const [command, ...lines] = head.split("\n");
  const length = lines.find((line) => line.startsWith("content-length:"))?.slice(15) ?? "";
  if (command !== "MESSAGE" || !/^\d+$/.test(length)) return undefined;
  const bodyEnd = headEnd + 2 + Number(length);
  // The frame's NUL, and the line feeds that may follow it.
  const [nul, ...rest] = bytes.subarray(bodyEnd);
  if (nul !== 0 || rest.some((byte) => byte !== LF)) return undefined;
  // The first of repeated headers counts (STOMP 1.2).
  const shortened = ["MESSAGE", "content-length:0", ...lines].join("\n");
  return { head: `${shortened}\n\n\0`, body: bytes.subarray(headEnd + 2, bodyEnd) };
}

/** Where the empty line begins that ends the headers, or -1. */
function endOfHead(bytes: Uint8Array): number {
  let end = bytes.indexOf(LF);
  while (end !== -1 && bytes[end + 1] !== LF) end = bytes.indexOf(LF, end + 1);
  return end;
}
