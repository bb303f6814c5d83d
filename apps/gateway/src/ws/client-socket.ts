import type { WebSocket } from "ws";
import type { Outgoing } from "./frames.ts";

/** One socket, as the events see it. */
export interface ClientSocket {
  /** Whose jobs it may hear of. */
  readonly tenant: string;
  readonly clientId: string;
  send(frame: Outgoing): void;
  /** True once the client has said that it reads previews with metadata. */
  readsMetadata: boolean;
  /** Anything but messages and progress it may miss is kept; a reader this far behind is cut off. */
  readonly isOpen: boolean;
  close(code: number, reason: string): void;
}

/** Bytes on their way to a slow reader above which pictures are left out, and above which it is cut off. */
const DROP_PREVIEWS_BYTES = 16 * 2 ** 20;
const CUT_OFF_BYTES = 128 * 2 ** 20;

export function clientSocket(
  socket: WebSocket,
  { tenant, clientId }: Pick<ClientSocket, "tenant" | "clientId">,
): ClientSocket {
  return {
    tenant,
    clientId,
    readsMetadata: false,
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    send(frame) {
      if (socket.readyState !== socket.OPEN) return;
      const waiting = socket.bufferedAmount;
      if (waiting > CUT_OFF_BYTES) {
        socket.terminate();
        return;
      }
      if (frame.kind === "text") socket.send(frame.text);
      else if (frame.kind === "binary") socket.send(frame.bytes);
      else if (waiting <= DROP_PREVIEWS_BYTES) {
        socket.send(this.readsMetadata ? frame.withMetadata() : frame.plain());
      }
    },
    close: (code, reason) => socket.close(code, reason),
  };
}
