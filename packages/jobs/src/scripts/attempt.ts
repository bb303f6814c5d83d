import { storeScript } from "./prelude.ts";
import { CREATE_JOB } from "./submit.ts";

/**
 * ARGV: worker, deadline error, cancel error, three of retention, then what create_job takes (an empty
 * payload says that the caller believes there is a record), then '1' for a first delivery.
 *
 * Answers one of
 *   unknown                          no record, and none could be made without a payload
 *   gone, what became of it          the record is no longer kept
 *   ended                            the caller reads the record
 *   duplicate                        another worker runs it, and this is another message
 *   cancelled | expired, attempt     ended by this call
 *   claimed, attempt, notes...       place, first number and count of files that earlier attempts may have written
 */
export const claimScript = storeScript(`
${CREATE_JOB}
local worker, id, payload, is_first_delivery = ARGV[1], ARGV[7], ARGV[8], ARGV[17] == '1'
local key = job(id)
local state, attempt, cancel, deadline, faults, number, runner = unpack(
  redis.call('HMGET', key, 'state', 'attempt', 'cancelRequested', 'deadlineAt', 'faults', 'number', 'workerId'))
if not state then
  local became = redis.call('GET', root .. 'gone:' .. id)
  if became then return {'gone', became} end
  if payload == '' then return {'unknown'} end
  number = create_job(7)
  state, attempt, cancel, deadline, faults = 'pending', 0, false, ARGV[14], 0
end
if is_terminal(state) then return {'ended'} end

-- The same worker may ask again, because the answer was lost.
if state == 'running' and is_first_delivery and runner ~= worker then return {'duplicate'} end
-- Still running: its worker is gone, or was given up by the broker.
if state == 'running' then redis.call('HSET', key, 'faults', faults + 1) end
attempt = attempt + 1
if cancel then
  redis.call('HSET', key, 'attempt', attempt, 'lastSeq', 1, 'error', ARGV[3])
  end_job(id, 'cancelled', ARGV[4], ARGV[5], ARGV[6])
  return {'cancelled', attempt}
end
if attempt == 1 and deadline ~= '' and tonumber(deadline) < milliseconds() then
  redis.call('HSET', key, 'attempt', attempt, 'lastSeq', 1, 'error', ARGV[2])
  end_job(id, 'failed', ARGV[4], ARGV[5], ARGV[6])
  return {'expired', attempt}
end
redis.call('HSET', key, 'state', 'running', 'attempt', attempt, 'workerId', worker, 'startedAt', milliseconds(),
  'lastSeq', 0)
redis.call('HDEL', key, 'progress')
if state == 'pending' then
  redis.call('ZREM', root .. 'pending', id)
  redis.call('ZADD', root .. 'running', number, id)
  queue_changed()
end
local answer = {'claimed', attempt}
if attempt > 1 then
  for _, part in ipairs(redis.call('LRANGE', root .. 'files:' .. id, 0, -1)) do answer[#answer + 1] = part end
end
return answer
`);

/** ARGV: id, attempt, last seq, progress or ''. Answers whether the attempt is live, and whether it is to stop. */
export const progressScript = storeScript(`
local key = job(ARGV[1])
local state, attempt, cancel = unpack(redis.call('HMGET', key, 'state', 'attempt', 'cancelRequested'))
-- Redis has forgotten everything: the attempt is still the only one.
if not state and redis.call('EXISTS', root .. 'gone:' .. ARGV[1]) == 0 then return {1, 0} end
if state ~= 'running' or attempt ~= ARGV[2] then return {0, 0} end
redis.call('HSET', key, 'lastSeq', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', key, 'progress', ARGV[4]) end
return {1, cancel and 1 or 0}
`);

/**
 * ARGV: id, attempt, '1' where the job may be to blame, error or ''. Puts the job
 * back among the pending ones. Answers 1, or 0 where the attempt is not live.
 */
export const releaseScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, number, faults = unpack(redis.call('HMGET', key, 'state', 'attempt', 'number', 'faults'))
if attempt ~= ARGV[2] then return 0 end
-- The same call again, whose answer was lost.
if state == 'pending' then return 1 end
if state ~= 'running' then return 0 end
redis.call('HSET', key, 'state', 'pending', 'faults', faults + (ARGV[3] == '1' and 1 or 0))
if ARGV[4] ~= '' then redis.call('HSET', key, 'lastError', ARGV[4]) end
redis.call('HDEL', key, 'workerId', 'progress')
redis.call('ZREM', root .. 'running', id)
redis.call('ZADD', root .. 'pending', number, id)
queue_changed()
return 1
`);
