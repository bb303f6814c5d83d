import { once } from "node:events";
import { connect, createServer } from "node:net";

/** `basic.get-ok`, which the message itself follows in frames of its own. */
export const GET_OK = Buffer.from([0, 60, 0, 71]);
/** `channel.close-ok`. */
export const CLOSE_OK = Buffer.from([0, 20, 0, 41]);

export interface FrameCutterOptions {
  /** Class and method of AMQP, as they stand in a frame. */
  readonly method: Buffer;
  /** Whether the frame itself still comes through. */
  readonly passes: boolean;
}

/** A TCP proxy before RabbitMQ that cuts at the first frame of this method that the broker sends. */
export async function openFrameCutter(target: string, { method, passes }: FrameCutterOptions) {
  const { hostname, port } = new URL(target);
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    near.on("error", () => far.destroy()).pipe(far);
    far.on("error", () => near.destroy()).on("end", () => near.end());
    far.on("data", (piece: Buffer) => {
      const at = cuts === 0 ? piece.indexOf(method) : -1;
      if (at < 0) {
        near.write(piece);
        return;
      }
      cuts += 1;
      // A frame's head is 7 bytes: type, channel, and the size of what follows it and comes before its last byte.
      near.end(piece.subarray(0, passes ? at + piece.readUInt32BE(at - 4) + 1 : at - 7));
      far.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to listen on");
  const url = new URL(target);
  url.port = String(address.port);
  return {
    url: url.href,
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
