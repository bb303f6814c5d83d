import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";

const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: 64 });

export interface PromptAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** POST /api/v1/prompts with as little of our own on the way as can be: connections that stay open, no SDK. */
export async function postPrompt(
  url: string,
  prompt: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<PromptAnswer> {
  const payload = JSON.stringify(prompt);
  return await new Promise((resolve, reject) => {
    const call = request(
      new URL("/api/v1/prompts", url),
      {
        method: "POST",
        agent,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(payload),
          accept: "application/json",
          ...headers,
        },
      },
      (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        );
      },
    );
    call.once("error", reject);
    call.end(payload);
  });
}

/** The smallest prompt that saves a picture; another colour, so that no cache answers. */
export function emptyImagePrompt(color: number) {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color } },
    "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "bench" } },
  };
}
