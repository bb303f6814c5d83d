import { storeScript } from "./prelude.ts";

/**
 * Two days: longer than any job runs. A prefix that comes back later begins at the highest number in the folder, as it
 * did the first time; kept for good, every prefix that was ever used would stay.
 */
const COUNTER_KEPT_MS = 172_800_000;

/**
 * ARGV: place, count, highest number in the folder or '', id, attempt. Answers the first of `count` numbers, or -1
 * where nobody has looked at the folder yet. The live attempt's numbers are noted with the job until it ends.
 */
export const allocateScript = storeScript(`
local tenant = tenant_of(ARGV[4])
-- Each tenant has folders of its own.
local counter = root .. 'name:' .. (tenant == 'default' and '' or tenant .. ':') .. ARGV[1]
local last = redis.call('GET', counter)
if ARGV[3] ~= '' and (not last or tonumber(last) < tonumber(ARGV[3])) then
  last = ARGV[3]
  redis.call('SET', counter, last)
end
if not last then return -1 end
local first = redis.call('INCRBY', counter, ARGV[2]) - ARGV[2] + 1
redis.call('PEXPIRE', counter, ${COUNTER_KEPT_MS})

local state, attempt = unpack(redis.call('HMGET', job(ARGV[4]), 'state', 'attempt'))
if state == 'running' and attempt == ARGV[5] then
  local files = root .. 'files:' .. ARGV[4]
  redis.call('RPUSH', files, ARGV[1], first, ARGV[2], milliseconds())
end
return first
`);

const MOST_LEFTOVERS = 100;

/** Answers some of what is to be removed. */
export const leftoversScript = storeScript(
  `return redis.call('SRANDMEMBER', root .. 'leftovers', ${MOST_LEFTOVERS})`,
);

/** ARGV: end, tenant, place, first number, count and time. */
export const forgetLeftoverScript = storeScript(
  `return redis.call('SREM', root .. 'leftovers', cjson.encode(ARGV))`,
);
