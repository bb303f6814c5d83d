/** What a watch ticket is good for, seen by a script that has @stomp/stompjs and ws alone. */
import { type WatchTicket, watchTicketSchema } from "@rabbitloom/protocol";
import { Client, type StompHeaders } from "@stomp/stompjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openService, painting, type TestService } from "./support/service.ts";
import { until } from "./support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service[Symbol.asyncDispose]());

async function ticketOf(jobId: string): Promise<WatchTicket> {
  const response = await fetch(`${service.url}/api/v1/jobs/${jobId}/watch`, { method: "POST" });
  return watchTicketSchema.parse(await response.json());
}

async function submit(prompt: object): Promise<string> {
  return (await service.client.submit(prompt)).id;
}

interface Attempt {
  readonly ticket: WatchTicket;
  readonly destination?: string;
  readonly headers?: StompHeaders;
  /** Sends this instead of subscribing. */
  readonly send?: string;
  readonly connectHeaders?: StompHeaders;
}

/** Connects, does one thing, and says what came of it. */
function attempt(options: Attempt): Promise<"refused" | "accepted" | "not connected"> {
  const { ticket, destination = ticket.destination, headers = {}, send, connectHeaders } = options;
  const { host, login, passcode } = ticket;
  return new Promise((resolve) => {
    let isConnected = false;
    const finish = (outcome: "refused" | "accepted" | "not connected") => {
      void client.deactivate({ force: true });
      resolve(outcome);
    };
    const client = new Client({
      webSocketFactory: () => new WebSocket(ticket.url, ["v12.stomp"]),
      connectHeaders: { host, login, passcode, ...connectHeaders },
      reconnectDelay: 0,
      onConnect() {
        isConnected = true;
        // A receipt is the broker's word that the frame before it was carried out.
        client.watchForReceipt("done", () => finish("accepted"));
        if (send === undefined) {
          client.subscribe(destination, (message) => message.ack(), {
            ...ticket.headers,
            ...headers,
            receipt: "done",
          });
        } else {
          client.publish({
            destination: send,
            body: "{}",
            headers: { receipt: "done", ...headers },
          });
        }
      },
      onStompError: () => finish(isConnected ? "refused" : "not connected"),
      onWebSocketClose: () => finish(isConnected ? "refused" : "not connected"),
    });
    client.activate();
  });
}

test("a script with nothing but stompjs and ws reads a job to its end by its ticket", async () => {
  const ticket = await ticketOf(await submit(painting({ steps: 3, ms: 20 })));
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    const client = new Client({
      webSocketFactory: () => new WebSocket(ticket.url, ["v12.stomp"]),
      connectHeaders: { host: ticket.host, login: ticket.login, passcode: ticket.passcode },
      reconnectDelay: 0,
      onConnect() {
        client.subscribe(
          ticket.destination,
          (message) => {
            message.ack();
            const { seq, type } = message.headers;
            seen.push(`${seq} ${type}`);
            if (type !== "job-events" || !message.body.includes('"job-end"')) return;
            resolve(client.deactivate());
          },
          ticket.headers,
        );
      },
    });
    client.activate();
  });
  expect(seen[0]).toBe("1 job-events");
  expect(seen.filter((line) => line.endsWith("node-preview"))).toHaveLength(3);
});

describe("a ticket for one job", () => {
  let ticket: WatchTicket;
  let otherId: string;
  beforeAll(async () => {
    const id = await submit(painting({ steps: 1, ms: 1 }));
    otherId = await submit(painting({ steps: 1, ms: 1 }));
    ticket = await ticketOf(id);
    await ticketOf(otherId);
  });

  test("is good for that job's stream", async () => {
    expect(await attempt({ ticket })).toBe("accepted");
  });

  test("is refused for another job, for one whose name begins alike, and for every other queue", async () => {
    const { names } = service.fleet;
    const destinations = [
      `/amq/queue/${names.reply(otherId)}`,
      `${ticket.destination}1`,
      `/amq/queue/${names.jobs.queue("normal", "default")}`,
      `/amq/queue/${names.dead.queue}`,
      `/queue/${names.jobs.queue("normal", "default")}`,
      `/queue/new-${names.prefix}`,
      `/exchange/${names.events.exchange}/#`,
      `/exchange/${names.control.exchange}`,
      "/exchange/amq.rabbitmq.trace/#",
      "/topic/#",
      "/temp-queue/mine",
    ];
    const outcomes = await Promise.all(
      destinations.map(async (destination) => [
        destination,
        await attempt({ ticket, destination }),
      ]),
    );
    expect(outcomes).toEqual(destinations.map((destination) => [destination, "refused"]));
  });

  test("is refused for every SEND, and nothing arrives", async () => {
    const { names } = service.fleet;
    const jobsQueue = names.jobs.queue("normal", "default");
    const destinations = [
      ticket.destination,
      `/amq/queue/${jobsQueue}`,
      `/queue/${jobsQueue}`,
      `/exchange/${names.jobs.exchange}/${names.jobs.key("normal", "default")}`,
      `/exchange/${names.control.exchange}`,
      `/exchange/${names.events.exchange}/x.${otherId}`,
      "/exchange/amq.default/anything",
      "/topic/anything",
    ];
    const outcomes = await Promise.all(
      destinations.map(async (send) => [send, await attempt({ ticket, send })]),
    );
    expect(outcomes).toEqual(destinations.map((send) => [send, "refused"]));
    const dead = await service.fleet.connection.withChannel((channel) =>
      channel.checkQueue(names.dead.queue),
    );
    expect(dead.messageCount).toBe(0);
  });

  test("lets nobody in whose token was changed, is another's word, or is none", async () => {
    const [head = "", , signature = ""] = ticket.passcode.split(".");
    const claims = Buffer.from(
      JSON.stringify({ aud: "rabbitmq", scope: "rabbitmq.read:*/*", exp: 4_102_444_800 }),
    ).toString("base64url");
    const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const passcode of [
      `${head}.${claims}.${signature}`,
      `${unsigned}.${claims}.`,
      ticket.passcode.slice(0, -8),
      "guest",
    ]) {
      expect(await attempt({ ticket, connectHeaders: { passcode } })).toBe("not connected");
    }
  });

  test("is the only way in at the gateway's socket: the broker's own users are turned away", async () => {
    const { username, password } = new URL(service.broker.amqpUrl);
    const login = { login: username, passcode: password };
    expect(await attempt({ ticket, connectHeaders: login })).toBe("not connected");
  });

  test("is no key to the management API", async () => {
    const { origin } = new URL(service.broker.managementUrl);
    const response = await fetch(`${origin}/api/queues`, {
      headers: { authorization: `Bearer ${ticket.passcode}` },
    });
    expect(response.status).toBe(401);
  });
});

test("a ticket that has expired opens nothing", async () => {
  const brief = await service.startGateway({ TICKET_TTL_SECONDS: "1" });
  const jobId = await submit(painting({ steps: 1, ms: 1 }));
  const response = await fetch(`${brief.url}/api/v1/jobs/${jobId}/watch`, { method: "POST" });
  const ticket = watchTicketSchema.parse(await response.json());
  await until("the ticket has expired", () => Date.now() > Date.parse(ticket.expiresAt) + 500);
  expect(await attempt({ ticket })).toBe("not connected");
});
