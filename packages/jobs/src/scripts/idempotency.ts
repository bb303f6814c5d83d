import { storeScript } from "./prelude.ts";

const HOLDER = `
local key = root .. 'idempotency:' .. ARGV[1]
local function is_alive(holder) return holder and redis.call('EXISTS', root .. 'idempotency-holder:' .. holder) == 1 end
-- A holder's word on one hold says nothing on a later one of its own.
local function is_held(by, as)
  local holder, hold = unpack(redis.call('HMGET', key, 'holder', 'hold'))
  return holder == by and hold == as
end
`;

/** ARGV: name, fingerprint, job id for a new one, holder, how long it is kept (ms), a name for this hold. */
export const takeKeyScript = storeScript(`
${HOLDER}
local print, id, holder, status, sent =
  unpack(redis.call('HMGET', key, 'fingerprint', 'jobId', 'holder', 'status', 'sent'))
if print and print ~= ARGV[2] then return {'reused', id} end
if status then return {'answered', id, status} end
if is_alive(holder) then return {'held', id} end
redis.call('HSET', key, 'fingerprint', ARGV[2], 'jobId', id or ARGV[3], 'holder', ARGV[4], 'hold', ARGV[6])
redis.call('PEXPIRE', key, ARGV[5])
if not id then return {'new', ARGV[3]} end
return {sent and 'left' or 'resumed', id}
`);

/** ARGV: name, holder, hold, status. Notes what was answered; only its holder may. */
export const answerKeyScript = storeScript(`
${HOLDER}
if not is_held(ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', key, 'status', ARGV[4])
redis.call('HDEL', key, 'holder', 'hold')
return 1
`);

/** ARGV: name, holder, hold, '1' where its job is known to be on its way. The next request may wait for that. */
export const leaveKeyScript = storeScript(`
${HOLDER}
if not is_held(ARGV[2], ARGV[3]) then return 0 end
if ARGV[4] == '1' then redis.call('HSET', key, 'sent', '1') end
return redis.call('HDEL', key, 'holder', 'hold')
`);

/** ARGV: name, holder, hold. There is no job: the key is free again. */
export const forgetKeyScript = storeScript(`
${HOLDER}
if is_held(ARGV[2], ARGV[3]) then return redis.call('DEL', key) end
return 0
`);

/** ARGV: holder, how long it counts as alive without another word (ms). */
export const keepHoldingScript = storeScript(`
return redis.call('SET', root .. 'idempotency-holder:' .. ARGV[1], '1', 'PX', ARGV[2])
`);

/** ARGV: holder. What it held may be resumed at once. */
export const stopHoldingScript = storeScript(`
return redis.call('DEL', root .. 'idempotency-holder:' .. ARGV[1])
`);
