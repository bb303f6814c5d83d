import { storeScript } from "./prelude.ts";

/**
 * ARGV: id, attempt, state, last seq, outputs, error or '', history or '', three of retention. Answers 1, 0 where the
 * attempt is not the live one of a running job, or -1 where nothing is known of the job.
 */
export const finishScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, ended_by = unpack(redis.call('HMGET', key, 'state', 'attempt', 'endedBy'))
if not state then return redis.call('EXISTS', root .. 'gone:' .. id) - 1 end
-- The same call again, whose answer was lost.
if ended_by == 'attempt' and attempt == ARGV[2] then return 1 end
if state ~= 'running' or attempt ~= ARGV[2] then return 0 end
redis.call('HSET', key, 'endedBy', 'attempt', 'lastSeq', ARGV[4], 'outputs', ARGV[5])
if ARGV[6] ~= '' then redis.call('HSET', key, 'error', ARGV[6]) end
if ARGV[7] ~= '' then redis.call('HSET', key, 'history', ARGV[7]) end
-- The attempt itself keeps or removes what it wrote.
redis.call('UNLINK', root .. 'files:' .. id)
end_job(id, ARGV[3], ARGV[8], ARGV[9], ARGV[10])
return 1
`);

/**
 * ARGV: id, error, three of retention, tenant or '' for any. Answers the state that was found ('unknown'), the attempt
 * for the terminal event, the gateway, and where it was pending the payload, if it names a reply queue, or ''.
 */
export const cancelScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, gateway, ended_by, announced =
  unpack(redis.call('HMGET', key, 'state', 'attempt', 'gatewayId', 'endedBy', 'announced'))
if not state or not is_in_reach(ARGV[6], id) then return {'unknown', 0, '', ''} end
-- The same call again, whose answer was lost: nobody has said the end yet.
if ended_by == 'cancel' and not announced then return {'pending', attempt, gateway or '', payload_with_reply(id)} end
if is_terminal(state) then return {state, attempt, gateway or '', ''} end
if state == 'running' then
  redis.call('HSET', key, 'cancelRequested', '1')
  return {state, attempt + 1, gateway or '', ''}
end
redis.call('HSET', key, 'endedBy', 'cancel')
local payload = end_uncommitted(id, 'cancelled', attempt + 1, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return {state, attempt + 1, gateway or '', payload}
`);

/**
 * ARGV: id, tenant, error, three of retention. Answers {attempt, gateway}, or false where it is not a job of this tenant's that
 * waits for its first attempt.
 */
export const refuseScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, gateway, ended_by, announced =
  unpack(redis.call('HMGET', key, 'state', 'attempt', 'gatewayId', 'endedBy', 'announced'))
if not state or not is_in_reach(ARGV[2], id) then return false end
-- The same call again, whose answer was lost: nobody has said the end yet.
if ended_by == 'refusal' and not announced then return {attempt, gateway or ''} end
if state ~= 'pending' or attempt ~= '0' then return false end
redis.call('HSET', key, 'endedBy', 'refusal')
end_uncommitted(id, 'failed', 1, ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return {'1', gateway or ''}
`);

/**
 * ARGV: id, error, three of retention, how long an attempt that says nothing counts as alive (ms), how many attempts
 * must have failed. Answers {'buried', attempt, gateway, payload as above}, or {'unknown'}, {'ended'} where it had ended before,
 * {'blameless'} where fewer attempts of it failed or one is alive.
 */
export const buryScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, faults, gateway, ended_by, alive_at =
  unpack(redis.call('HMGET', key, 'state', 'attempt', 'faults', 'gatewayId', 'endedBy', 'aliveAt'))
if not state then
  -- Under a withdrawn job's id there may be a service's: the next claim knows.
  local gone = redis.call('GET', root .. 'gone:' .. id)
  return {(gone and not string.match(gone, '^withdrawn:')) and 'ended' or 'unknown'}
end
-- The same call again, whose answer was lost: nobody has said the end yet.
if ended_by == 'burial' and redis.call('HEXISTS', key, 'announced') == 0 then
  return {'buried', attempt, gateway or '', payload_with_reply(id)}
end
if is_terminal(state) then return {'ended'} end
faults = tonumber(faults)
if state == 'running' then
  if milliseconds() - (alive_at or 0) < tonumber(ARGV[6]) then return {'blameless'} end
  -- Its worker is gone.
  faults = faults + 1
end
if faults < tonumber(ARGV[7]) then return {'blameless'} end
redis.call('HSET', key, 'endedBy', 'burial')
local payload = end_uncommitted(id, 'dead', attempt + 1, ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return {'buried', attempt + 1, gateway or '', payload}
`);

/** ARGV: id. The error of the attempt that was released last, or false. */
export const lastErrorScript = storeScript(`return redis.call('HGET', job(ARGV[1]), 'lastError')`);

/** ARGV: id, attempt. Notes that the terminal event is out. */
export const announcedScript = storeScript(`
if redis.call('HGET', job(ARGV[1]), 'attempt') == ARGV[2] then
  redis.call('HSET', job(ARGV[1]), 'announced', '1')
  redis.call('ZREM', root .. 'unsaid', ARGV[1])
end
return 1
`);

/**
 * ARGV: how long "expired" is answered (ms), tenant or '' for any, then ids. Removes ended records; others are left alone.
 */
export const forgetScript = storeScript(`
for index = 3, #ARGV do
  local id = ARGV[index]
  if is_in_reach(ARGV[2], id) and take_from('ended', id) == 1 then remove_job(id, 'forgotten', ARGV[1]) end
end
return 1
`);

/**
 * ARGV: how long "expired" is answered (ms), how many at most, tenant or '' for any. Removes the oldest ended records;
 * answers how many.
 */
export const forgetOldestScript = storeScript(`
local ids = redis.call('ZRANGE', list_of('ended', ARGV[3]), 0, ARGV[2] - 1)
for _, id in ipairs(ids) do
  take_from('ended', id)
  remove_job(id, 'forgotten', ARGV[1])
end
return #ids
`);
