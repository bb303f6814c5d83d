export type { Child, ChildOptions, Exit } from "./child.ts";
export { lastLines, startChild, waitForLog } from "./child.ts";
export { findProgram } from "./find-program.ts";
export { freePort, freePorts } from "./free-port.ts";
export { MissingProgram } from "./missing-program.ts";
export type { ClusterNode, RabbitmqOptions, RabbitmqPorts, RabbitmqServer } from "./rabbitmq.ts";
export {
  rabbitmqEnvironment,
  rabbitmqPorts,
  rabbitmqPrograms,
  startPortMapper,
  startRabbitmq,
} from "./rabbitmq.ts";
export type { RedisOptions, RedisServer } from "./redis.ts";
export { REDIS_PORT, startRedis } from "./redis.ts";
export type { SigningKeys } from "./signing-keys.ts";
export { signingKeys } from "./signing-keys.ts";
