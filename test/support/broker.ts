import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Topology, topology } from "@rabbitloom/protocol";
import * as z from "zod";
import {
  type RabbitmqServer,
  rabbitmqEnvironment,
  rabbitmqPorts,
  rabbitmqPrograms,
  startRabbitmq,
} from "../../apps/loom/src/servers/index.ts";
import { deleteByPrefix } from "./management.ts";
import { quietPorts } from "./ports.ts";
import { randomPrefix, sharedServer } from "./shared-server.ts";

const execute = promisify(execFile);

const sharedBrokerSchema = z.object({
  amqpUrl: z.string(),
  /** With user and password. */
  managementUrl: z.string(),
  /** Web-STOMP: `ws://host:port/ws`. */
  stompUrl: z.string(),
  /** The gateway's half of the key pair whose public half the broker trusts. */
  jwtPrivateKeyFile: z.string(),
});
export type SharedBroker = z.infer<typeof sharedBrokerSchema>;

export interface TestBroker extends SharedBroker, AsyncDisposable {
  /** Of every name that this test may make on the broker; what bears it is deleted in the end. */
  readonly prefix: string;
  readonly names: Topology;
}

/** The run's RabbitMQ (the one of AMQP_URL where that is set), with a topology prefix of one's own. */
export async function openBroker(): Promise<TestBroker> {
  const shared = brokerFromEnvironment() ?? (await sharedServer("broker"));
  return withPrefix(sharedBrokerSchema.parse(shared), async () => {});
}

export interface PrivateBroker extends TestBroker {
  readonly pid: number;
  /** Ends it in order and waits for that. */
  stop(): Promise<void>;
  /** kill -9: nothing is flushed, no connection is closed in order. */
  crash(): Promise<void>;
  /** Starts it again with the same data and on the same ports. */
  start(): Promise<void>;
  /** Runs `rabbitmqctl` with these arguments. */
  control(args: readonly string[]): Promise<void>;
}

/** A RabbitMQ for one test, to be stopped, crashed and started at will: 6 s a start. */
export async function openPrivateBroker(): Promise<PrivateBroker> {
  const folder = await mkdtemp(join(tmpdir(), "loom-broker-"));
  let server: RabbitmqServer = await startRabbitmq({
    folder,
    ports: await quietPorts(rabbitmqPorts),
    endsWithParent: true,
  });
  const { ports, amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile } = server;
  const close = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    ...withPrefix({ amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile }, close),
    [Symbol.asyncDispose]: close,
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
    async crash() {
      server.kill("SIGKILL");
      await server.exited;
      await server.stop();
    },
    async start() {
      server = await startRabbitmq({ folder, ports, endsWithParent: true });
    },
    async control(args) {
      const program = join(await rabbitmqPrograms(), "rabbitmqctl");
      await execute(program, args, {
        env: { ...process.env, ...rabbitmqEnvironment(folder, ports) },
      });
    },
  };
}

function withPrefix(facts: SharedBroker, close: () => Promise<void>): TestBroker {
  const prefix = randomPrefix();
  return {
    ...facts,
    prefix,
    names: topology({ prefix }),
    async [Symbol.asyncDispose]() {
      await deleteByPrefix(facts.managementUrl, prefix);
      await close();
    },
  };
}

/** Where AMQP_URL is set, the others have the plugins' usual ports on the same host. */
function brokerFromEnvironment(): SharedBroker | undefined {
  const { AMQP_URL, MANAGEMENT_URL, STOMP_URL, JWT_PRIVATE_KEY_FILE } = process.env;
  if (AMQP_URL === undefined) return undefined;
  if (JWT_PRIVATE_KEY_FILE === undefined) {
    throw new Error(
      "AMQP_URL is set: JWT_PRIVATE_KEY_FILE must then name the PEM file of the RS256 key " +
        "whose public half that broker trusts (auth_oauth2.signing_keys)",
    );
  }
  const { username, password, hostname } = new URL(AMQP_URL);
  return {
    amqpUrl: AMQP_URL,
    managementUrl: MANAGEMENT_URL ?? `http://${username}:${password}@${hostname}:15672`,
    stompUrl: STOMP_URL ?? `ws://${hostname}:15674/ws`,
    jwtPrivateKeyFile: JWT_PRIVATE_KEY_FILE,
  };
}
