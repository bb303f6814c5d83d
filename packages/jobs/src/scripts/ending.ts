import { storeScript } from "./prelude.ts";

/**
 * Each ending carries a token of its own: the same call again, whose answer was lost, gets the same answer.
 *
 * ARGV: token, id, attempt, state, last seq, outputs, error or '', history or '', three of retention. Answers 1,
 * or 0 where the attempt is not the live one of a running job.
 */
export const finishScript = storeScript(`
local id = ARGV[2]
local key = job(id)
local state, attempt, token = unpack(redis.call('HMGET', key, 'state', 'attempt', 'endToken'))
if token == ARGV[1] then return 1 end
if state ~= 'running' or attempt ~= ARGV[3] then return 0 end
redis.call('HSET', key, 'endToken', ARGV[1], 'lastSeq', ARGV[5], 'outputs', ARGV[6])
if ARGV[7] ~= '' then redis.call('HSET', key, 'error', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', key, 'history', ARGV[8]) end
end_job(id, ARGV[4], ARGV[9], ARGV[10], ARGV[11])
return 1
`);

/**
 * ARGV: token, id, error, three of retention. Answers the state that was found ('unknown'), the attempt for the
 * terminal event, and the gateway.
 */
export const cancelScript = storeScript(`
local id = ARGV[2]
local key = job(id)
local state, attempt, gateway, token = unpack(redis.call('HMGET', key, 'state', 'attempt', 'gatewayId', 'endToken'))
if not state then return {'unknown', 0, ''} end
if token == ARGV[1] then return {'pending', attempt, gateway or ''} end
if is_terminal(state) then return {state, attempt, gateway or ''} end
if state == 'running' then
  redis.call('HSET', key, 'cancelRequested', '1')
  return {state, attempt + 1, gateway or ''}
end
redis.call('HSET', key, 'endToken', ARGV[1], 'attempt', attempt + 1, 'lastSeq', 1, 'error', ARGV[3])
end_job(id, 'cancelled', ARGV[4], ARGV[5], ARGV[6])
return {state, attempt + 1, gateway or ''}
`);

/**
 * ARGV: token, id, error, three of retention. Answers {'buried', attempt, gateway}, or {'unknown'}, {'ended'}
 * where it had ended before, {'blameless'} where no attempt of it failed.
 */
export const buryScript = storeScript(`
local id = ARGV[2]
local key = job(id)
local state, attempt, faults, gateway, token =
  unpack(redis.call('HMGET', key, 'state', 'attempt', 'faults', 'gatewayId', 'endToken'))
if not state then return {'unknown'} end
if token == ARGV[1] then return {'buried', attempt, gateway or ''} end
if is_terminal(state) then return {'ended'} end
if state == 'pending' and faults == '0' then return {'blameless'} end
redis.call('HSET', key, 'endToken', ARGV[1], 'attempt', attempt + 1, 'lastSeq', 1, 'error', ARGV[3])
end_job(id, 'dead', ARGV[4], ARGV[5], ARGV[6])
return {'buried', attempt + 1, gateway or ''}
`);

/** ARGV: id. The error of the attempt that was released last, or false. */
export const lastErrorScript = storeScript(`return redis.call('HGET', job(ARGV[1]), 'lastError')`);

/** ARGV: id, attempt. Notes that the terminal event is out. */
export const announcedScript = storeScript(`
if redis.call('HGET', job(ARGV[1]), 'attempt') == ARGV[2] then redis.call('HSET', job(ARGV[1]), 'announced', '1') end
return 1
`);

/** ARGV: how long "expired" is answered (ms), then ids. Removes ended records; others are left alone. */
export const forgetScript = storeScript(`
for index = 2, #ARGV do
  if redis.call('ZREM', root .. 'ended', ARGV[index]) == 1 then remove_job(ARGV[index], 'forgotten', ARGV[1]) end
end
return 1
`);

/** ARGV: how long "expired" is answered (ms), how many at most. Removes the oldest ended records; answers how many. */
export const forgetOldestScript = storeScript(`
local ids = redis.call('ZRANGE', root .. 'ended', 0, ARGV[2] - 1)
for _, id in ipairs(ids) do
  redis.call('ZREM', root .. 'ended', id)
  remove_job(id, 'forgotten', ARGV[1])
end
return #ids
`);
