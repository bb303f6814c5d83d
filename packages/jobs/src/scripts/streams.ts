import { storeScript } from "./prelude.ts";

/** ARGV: job. */
export const noteStreamScript = storeScript(`
return redis.call('SADD', root .. 'streams', ARGV[1])
`);

/** ARGV: job. */
export const forgetStreamScript = storeScript(`
return redis.call('SREM', root .. 'streams', ARGV[1])
`);

/** Jobs that have a stream. */
export const streamsScript = storeScript(`
return redis.call('SMEMBERS', root .. 'streams')
`);
