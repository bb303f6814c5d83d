import { storeScript } from "./prelude.ts";

/** ARGV: who, window (ms). Counts one request; answers how many there were in the window, and when it ends (ms from now). */
export const countRequestScript = storeScript(`
local key = root .. 'rate:' .. ARGV[1]
local used = redis.call('INCR', key)
if used == 1 then redis.call('PEXPIRE', key, ARGV[2]) end
return {used, redis.call('PTTL', key)}
`);
