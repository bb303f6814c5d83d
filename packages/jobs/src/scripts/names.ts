import { storeScript } from "./prelude.ts";

/**
 * ARGV: place, count, highest number in the folder or ''. Answers the first of `count` numbers, or -1 where
 * nobody has looked at the folder yet.
 */
export const allocateScript = storeScript(`
local key = root .. 'name:' .. ARGV[1]
local last = redis.call('GET', key)
if ARGV[3] ~= '' and (not last or tonumber(last) < tonumber(ARGV[3])) then
  last = ARGV[3]
  redis.call('SET', key, last)
end
if not last then return -1 end
return redis.call('INCRBY', key, ARGV[2]) - ARGV[2] + 1
`);

/** ARGV: id, attempt, JSON list of names. Kept with the job until it ends. */
export const noteFilesScript = storeScript(`
local key = job(ARGV[1])
local state, attempt = unpack(redis.call('HMGET', key, 'state', 'attempt'))
if state ~= 'running' or attempt ~= ARGV[2] then return 0 end
local files = root .. 'files:' .. ARGV[1]
redis.call('HSET', files, redis.call('HLEN', files), ARGV[3])
return 1
`);
