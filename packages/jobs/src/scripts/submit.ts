import { storeScript } from "./prelude.ts";

/** Fields of a new record, in the order in which scripts take their values after the id. */
export const newJobFields = [
  "payload",
  "lane",
  "pool",
  "clientId",
  "gatewayId",
  "submittedAt",
  "deadlineAt",
] as const;

/**
 * Makes a pending record from ARGV[first..]: id, the fields above, the number ('' for the next), and
 * '1' to go before all others. An empty submittedAt is now.
 */
export const CREATE_JOB = `
local function create_job(first)
  local id = ARGV[first]
  local number = redis.call('INCR', root .. 'number')
  if ARGV[first + 9] == '1' then number = -number end
  if ARGV[first + 8] ~= '' then number = ARGV[first + 8] end
  local submitted = ARGV[first + 6]
  if submitted == '' then submitted = milliseconds() end
  redis.call('HSET', job(id), 'state', 'pending', 'attempt', 0, 'faults', 0, 'lastSeq', 0, 'number', number,
    'payload', ARGV[first + 1], 'lane', ARGV[first + 2], 'pool', ARGV[first + 3], 'clientId', ARGV[first + 4],
    'gatewayId', ARGV[first + 5], 'submittedAt', submitted, 'deadlineAt', ARGV[first + 7])
  redis.call('ZADD', root .. 'pending', number, id)
  redis.call('DEL', root .. 'gone:' .. id)
  return number
end
`;

/** ARGV: what create_job takes. Answers the number, or false where the id is taken. */
export const submitScript = storeScript(`
${CREATE_JOB}
if redis.call('EXISTS', job(ARGV[1])) == 1 then return false end
local number = create_job(1)
queue_changed()
return tostring(number)
`);

/**
 * ARGV: id, for how long a late delivery is to be ignored (ms). Answers 1 where the record is gone, 0 where a
 * worker had it already.
 */
export const withdrawScript = storeScript(`
local id = ARGV[1]
local state, attempt = unpack(redis.call('HMGET', job(id), 'state', 'attempt'))
if not state then return 1 end
if state ~= 'pending' or attempt ~= '0' then return 0 end
redis.call('ZREM', root .. 'pending', id)
remove_job(id, 'withdrawn', ARGV[2])
queue_changed()
return 1
`);
