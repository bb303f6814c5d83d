import { storeScript } from "./prelude.ts";

/**
 * ARGV: place, count, highest number in the folder or '', id, attempt. Answers the first of `count` numbers, or -1
 * where nobody has looked at the folder yet. The live attempt's numbers are noted with the job until it ends.
 */
export const allocateScript = storeScript(`
local counter = root .. 'name:' .. ARGV[1]
local last = redis.call('GET', counter)
if ARGV[3] ~= '' and (not last or tonumber(last) < tonumber(ARGV[3])) then
  last = ARGV[3]
  redis.call('SET', counter, last)
end
if not last then return -1 end
local first = redis.call('INCRBY', counter, ARGV[2]) - ARGV[2] + 1

local state, attempt = unpack(redis.call('HMGET', job(ARGV[4]), 'state', 'attempt'))
if state == 'running' and attempt == ARGV[5] then
  local files = root .. 'files:' .. ARGV[4]
  redis.call('RPUSH', files, ARGV[1], first, ARGV[2])
end
return first
`);
