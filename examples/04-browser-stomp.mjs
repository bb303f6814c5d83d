/**
 * Watching a job with nothing but @stomp/stompjs, as a page does: the gateway gives a ticket, RabbitMQ replays the job's
 * events from the first one on and goes on live.
 *
 *   node --experimental-websocket examples/04-browser-stomp.mjs      (Node 22 and browsers need no flag)
 */
import { Client } from "@stomp/stompjs";

const url = globalThis.process?.env.LOOM_URL ?? "http://127.0.0.1:8188";
const post = async (path, body) => {
  const headers = { "content-type": "application/json", prefer: "respond-async" };
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

const inputs = { width: 96, height: 64, batch_size: 1, color: 0x8d6f78 };
const prompt = {
  1: { class_type: "EmptyImage", inputs },
  2: { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
  3: { class_type: "PreviewImage", inputs: { images: ["2", 0] } },
};
const { prompt_id: jobId } = await post("/api/v1/prompts", { prompt, watch: true });
const ticket = await post(`/api/v1/jobs/${jobId}/watch`, {});

const stomp = new Client({
  brokerURL: new URL(ticket.url, url.replace("http", "ws")).href,
  connectHeaders: { login: ticket.login, passcode: ticket.passcode, host: ticket.host },
  reconnectDelay: 0, // a ticket is for one connection; a page that reconnects asks for another
  onConnect: () => stomp.subscribe(ticket.destination, onMessage, ticket.headers),
  onStompError: ({ headers }) => console.error(headers.message),
});

function onMessage(message) {
  message.ack();
  if (message.headers.type === "node-preview") {
    console.log(`${message.headers.seq} preview of ${message.binaryBody.length} bytes`);
    return;
  }
  for (const event of JSON.parse(message.body)) {
    console.log(`${event.seq} ${event.type} ${event.nodeId ?? ""}`);
    if (event.type === "job-end") void stomp.deactivate();
  }
}

stomp.activate();
