import { chmod, cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type RabbitmqServer,
  type RedisServer,
  rabbitmqPorts,
  startPortMapper,
  startRabbitmq,
  startRedis,
} from "../../apps/loom/src/servers/index.ts";
import { type CutProxy, openCutProxy } from "../support/cut-proxy.ts";
import { quietPort, quietPorts } from "../support/ports.ts";
import type { CloseStack } from "./close-stack.ts";
import type { Random } from "./random.ts";

/** A server, or several that are one to their clients, and the proxy in front. */
export interface Server {
  readonly proxy: CutProxy;
  readonly processes: readonly ServerProcess[];
  /** Ends one of its processes, in order or by SIGKILL, and starts it again with its data. */
  restart(how: "stop" | "crash", random: Random): Promise<void>;
}

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
}

export interface RabbitmqServers {
  readonly server: Server;
  /** The checker's own way, past what is cut. */
  readonly amqpUrl: string;
  readonly first: RabbitmqServer;
}

/** One RabbitMQ, or a cluster of several nodes. */
export async function openRabbitmq(
  folder: string,
  nodes: number,
  closers: CloseStack,
): Promise<RabbitmqServers> {
  const names = Array.from({ length: nodes }, (_, index) => `loom-${index + 1}@localhost`);
  const mapperPort = nodes > 1 ? await openPortMapper(folder, closers) : undefined;
  const start = async (name: string) => {
    const ports = await quietPorts(rabbitmqPorts);
    const options = {
      folder: join(folder, name),
      endsWithParent: true,
      ports: { ...ports, epmd: mapperPort ?? ports.epmd },
      ...(nodes > 1 && { cluster: { name, names } }),
    };
    const node = await startNode(() => startRabbitmq(options));
    closers.defer(() => node.current.stop());
    return node;
  };
  const [firstName = "", ...otherNames] = names;
  const first = await start(firstName);
  const started: [Node, ...Node[]] = [first];
  for (const name of otherNames) {
    await copySecrets(join(folder, firstName), join(folder, name));
    started.push(await start(name));
  }
  const [firstUrl, ...otherUrls] = started.map(({ current }) => current.amqpUrl);
  const urls: [string, ...string[]] = [firstUrl ?? "", ...otherUrls];
  const proxy = closers.use(await openCutProxy(urls));
  const whole = closers.use(await openCutProxy(urls));
  const server: Server = {
    proxy,
    get processes() {
      return started.map(({ current }, index) => ({
        name: nodes > 1 ? `rabbitmq-${index + 1}` : "rabbitmq",
        pid: current.pid,
      }));
    },
    restart: (how, random) => random.pick(started).restart(how),
  };
  return { server, amqpUrl: whole.url, first: first.current };
}

async function openPortMapper(folder: string, closers: CloseStack): Promise<number> {
  const port = await quietPort();
  const mapper = await startPortMapper({ folder, port, endsWithParent: true });
  closers.defer(() => mapper.stop(2_000));
  return port;
}

/** Nodes of one cluster know each other by their cookie, and their users and keys are the same. */
async function copySecrets(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of [".erlang.cookie", "password", "keys"]) {
    await cp(join(from, name), join(to, name), { recursive: true });
  }
  await chmod(join(to, ".erlang.cookie"), 0o400);
}

export async function openRedisServer(
  folder: string,
  closers: CloseStack,
): Promise<{ readonly server: Server; readonly url: string }> {
  const port = await quietPort();
  // Flushed once a second, a Redis that is killed while its disk is busy forgets what it has answered.
  const options = { folder, port, flush: "always", endsWithParent: true } as const;
  const node = await startNode(() => startRedis(options));
  closers.defer(() => node.current.stop());
  const { url } = node.current;
  const server: Server = {
    proxy: closers.use(await openCutProxy(url)),
    get processes() {
      return [{ name: "redis", pid: node.current.pid }];
    },
    restart: (how) => node.restart(how),
  };
  return { server, url };
}

interface Node<Started extends RabbitmqServer | RedisServer = RabbitmqServer> {
  readonly current: Started;
  restart(how: "stop" | "crash"): Promise<void>;
}

async function startNode<Started extends RabbitmqServer | RedisServer>(
  start: () => Promise<Started>,
): Promise<Node<Started>> {
  let current = await start();
  return {
    get current() {
      return current;
    },
    async restart(how) {
      if (how === "crash") current.kill("SIGKILL");
      await current.stop();
      current = await start();
    },
  };
}
