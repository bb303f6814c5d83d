import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, type Exit, startChild, waitForLog } from "./child.ts";
import { sizeOf } from "./file-size.ts";
import { freePorts } from "./free-port.ts";
import { MissingProgram } from "./missing-program.ts";
import { signingKeys } from "./signing-keys.ts";

/** Ports that are tried first; one that is taken is replaced by any free one. */
export const rabbitmqPorts = {
  amqp: 5672,
  stomp: 61613,
  webStomp: 15674,
  management: 15672,
  prometheus: 15692,
  epmd: 4370,
  distribution: 25672,
};
export type RabbitmqPorts = typeof rabbitmqPorts;

export interface RabbitmqOptions {
  /** Everything is kept here: messages, cookie, keys, password, logs. */
  readonly folder: string;
  /** @default any free ports */
  readonly ports?: RabbitmqPorts;
  readonly endsWithParent?: boolean;
  /** A node of a cluster. Its folder holds the cluster's cookie, password and keys before it is started. */
  readonly cluster?: ClusterNode;
  /** Told about each process at once, long before the broker is ready. */
  readonly onChild?: (name: "rabbitmq" | "epmd", child: Child) => Promise<void>;
}

export interface ClusterNode {
  /** `name@host`, different for each node. */
  readonly name: string;
  /** Of all nodes. */
  readonly names: readonly string[];
}

export interface RabbitmqServer {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly stompUrl: string;
  readonly prometheusUrl: string;
  readonly jwtPrivateKeyFile: string;
  readonly ports: RabbitmqPorts;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** RabbitMQ keeps a node's data under its name. */
const NODE_NAME = "loom@localhost";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const USER = "loom";
/** Measured: 5 to 6 s on two idle cores. */
const START_TIMEOUT_MS = 90_000;
const INSTALLATIONS = "/usr/lib/rabbitmq/lib";
const DEPLOY = fileURLToPath(new URL("../../../../deploy/rabbitmq/", import.meta.url));
const ANY_PORT = {
  amqp: 0,
  stomp: 0,
  webStomp: 0,
  management: 0,
  prometheus: 0,
  epmd: 0,
  distribution: 0,
};

/**
 * Starts a RabbitMQ of its own in a folder, as whoever calls, and waits until it takes connections. It
 * touches nothing that is installed for the whole machine: data, cookie, ports and port mapper are its own.
 * Throws MissingProgram where RabbitMQ is not installed.
 */
export async function startRabbitmq(options: RabbitmqOptions): Promise<RabbitmqServer> {
  const { folder, endsWithParent = false, cluster, onChild } = options;
  const program = join(await rabbitmqPrograms(), "rabbitmq-server");
  const ports = options.ports ?? (await freePorts(ANY_PORT));
  const keys = await signingKeys(join(folder, "keys"));
  const password = await kept(join(folder, "password"));
  await prepare({ folder, ports, password, publicKeyFile: keys.publicKeyFile, cluster });
  const env = rabbitmqEnvironment(folder, ports, cluster?.name);
  const logFile = join(folder, "log", "rabbitmq.log");

  const epmd =
    cluster === undefined
      ? await startPortMapper({ folder, port: ports.epmd, endsWithParent })
      : undefined;
  if (epmd !== undefined) await onChild?.("epmd", epmd);
  const stopEpmd = () => epmd?.stop(2_000);
  let child: Child;
  try {
    const from = await sizeOf(logFile);
    child = await startChild({
      command: program,
      args: [],
      logFile,
      env,
      cwd: folder,
      endsWithParent,
    });
    await onChild?.("rabbitmq", child);
    await waitForLog({
      child,
      from,
      text: "Server startup complete",
      what: "RabbitMQ",
      timeoutMs: START_TIMEOUT_MS,
    });
  } catch (error) {
    await stopEpmd();
    throw error;
  }
  const user = `${USER}:${password}@127.0.0.1`;
  return {
    amqpUrl: `amqp://${user}:${ports.amqp}/%2F`,
    managementUrl: `http://${user}:${ports.management}`,
    stompUrl: `ws://127.0.0.1:${ports.webStomp}/ws`,
    prometheusUrl: `http://127.0.0.1:${ports.prometheus}/metrics`,
    jwtPrivateKeyFile: keys.privateKeyFile,
    ports,
    pid: child.pid,
    logFile,
    exited: child.exited,
    kill: child.kill,
    async stop() {
      await child.stop(30_000);
      await stopEpmd();
    },
  };
}

/** Erlang's port mapper, by which nodes and rabbitmqctl find each other: one for a broker alone, or for a cluster. */
export async function startPortMapper(options: {
  readonly folder: string;
  readonly port: number;
  readonly endsWithParent: boolean;
}): Promise<Child> {
  const { folder, port, endsWithParent } = options;
  return await startChild({
    command: "epmd",
    args: ["-port", String(port), "-address", "127.0.0.1"],
    logFile: join(folder, "log", "epmd.log"),
    env: { PATH, HOME: folder },
    endsWithParent,
  });
}

/** The folder with the scripts of the newest installed RabbitMQ. The wrapper in /usr/sbin insists on one user. */
export async function rabbitmqPrograms(): Promise<string> {
  const versions = existsSync(INSTALLATIONS) ? await readdir(INSTALLATIONS) : [];
  const newest = versions
    .filter((name) => name.startsWith("rabbitmq_server-"))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
  if (newest === undefined) throw new MissingProgram("RabbitMQ", ["rabbitmq-server"]);
  return join(INSTALLATIONS, newest, "sbin");
}

/** For the server and for rabbitmqctl alike: both must name the same node, cookie and port mapper. */
export function rabbitmqEnvironment(
  folder: string,
  ports: Pick<RabbitmqPorts, "epmd" | "distribution">,
  nodeName = NODE_NAME,
): Record<string, string> {
  return {
    PATH,
    LANG: "C.UTF-8",
    HOME: folder,
    RABBITMQ_CONF_ENV_FILE: join(folder, "env.conf"),
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
    RABBITMQ_PID_FILE: join(folder, "rabbitmq.pid"),
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "schema"),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: String(ports.epmd),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // Makes the script become the server, so that the child's process id is the server's.
    RUNNING_UNDER_SYSTEMD: "true",
  };
}

async function prepare(facts: {
  readonly folder: string;
  readonly ports: RabbitmqPorts;
  readonly password: string;
  readonly publicKeyFile: string;
  readonly cluster: ClusterNode | undefined;
}): Promise<void> {
  const { folder, ports, password, publicKeyFile, cluster } = facts;
  await mkdir(join(folder, "mnesia"), { recursive: true });
  await mkdir(join(folder, "log"), { recursive: true });
  await kept(join(folder, ".erlang.cookie"), 0o400);
  await writeFile(join(folder, "env.conf"), "");
  await writeFile(
    join(folder, "enabled_plugins"),
    await readFile(join(DEPLOY, "enabled_plugins"), "utf8"),
  );
  const local = [
    `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
    `stomp.listeners.tcp.1 = 127.0.0.1:${ports.stomp}`,
    "web_stomp.tcp.ip = 127.0.0.1",
    `web_stomp.tcp.port = ${ports.webStomp}`,
    "management.tcp.ip = 127.0.0.1",
    `management.tcp.port = ${ports.management}`,
    "prometheus.tcp.ip = 127.0.0.1",
    `prometheus.tcp.port = ${ports.prometheus}`,
    `default_user = ${USER}`,
    `default_pass = ${password}`,
    "default_permissions.configure = .*",
    "default_permissions.read = .*",
    "default_permissions.write = .*",
    "default_user_tags.administrator = true",
    `auth_oauth2.signing_keys.gw1 = ${publicKeyFile}`,
    ...(cluster === undefined ? [] : clusterSettings(cluster)),
  ];
  const common = await readFile(join(DEPLOY, "rabbitmq.conf"), "utf8");
  const file = join(folder, "rabbitmq.conf");
  await writeFile(file, `${common}\n${local.join("\n")}\n`, { mode: 0o600 });
}

/** The nodes find each other by name; a minority that is cut off stops rather than go its own way. */
function clusterSettings({ names }: ClusterNode): string[] {
  return [
    "cluster_formation.peer_discovery_backend = classic_config",
    ...names.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}`),
    "cluster_partition_handling = pause_minority",
  ];
}

/** The secret in a file; drawn and written the first time. */
async function kept(file: string, mode = 0o600): Promise<string> {
  if (existsSync(file)) return await readFile(file, "utf8");
  const secret = randomBytes(24).toString("hex");
  await writeFile(file, secret, { mode });
  await chmod(file, mode);
  return secret;
}
