import { storeScript } from "./prelude.ts";
import { TAKEN } from "./recovery.ts";
import { CREATE_JOB, NEW_JOB_ARGUMENTS } from "./submit.ts";
import { END_TURN } from "./turns.ts";

/**
 * ARGV: worker, deadline error, cancel error, three of retention, then what create_job takes (an empty
 * payload says that the caller believes there is a record), then '1' for a first delivery, a token of the delivery,
 * how long an attempt that says nothing still counts as alive (ms), and of the turn that the job was taken by: the tenant,
 * the token ('' for none), and the tenant's turn before.
 *
 * Answers one of
 *   unknown                          no record, and none could be made without a payload
 *   gone                             the record is no longer kept, or it is that of another submission of the id
 *   ended                            the caller reads the record
 *   duplicate                        another worker runs it, and this is another message
 *   foreign                          the id is that of another tenant's job
 *   busy, attempt                    its attempt is alive: the broker only believes otherwise
 *   cancelled | expired, attempt     ended by this call
 *   claimed, attempt, notes...       place, first number, count and time of files that earlier attempts may have written
 */
export const claimScript = storeScript(`
${CREATE_JOB}
${END_TURN}
${TAKEN}
local worker, id, payload, submission = ARGV[1], ARGV[7], ARGV[8], ARGV[20]
local is_first_delivery, token, alive_ms = ARGV[${7 + NEW_JOB_ARGUMENTS}] == '1', ARGV[${8 + NEW_JOB_ARGUMENTS}], ARGV[${9 + NEW_JOB_ARGUMENTS}]
local turn_tenant, turn_token, turn_before = ARGV[${10 + NEW_JOB_ARGUMENTS}], ARGV[${11 + NEW_JOB_ARGUMENTS}], ARGV[${12 + NEW_JOB_ARGUMENTS}]
local key = job(id)
local function read()
  return unpack(redis.call('HMGET', key, 'state', 'attempt', 'cancelRequested', 'deadlineAt', 'faults', 'number',
    'workerId', 'token', 'aliveAt', 'order', 'submission'))
end
-- A gateway's message had a record once. A service's is another job where that of a gateway was withdrawn.
local function is_gone()
  local key, submission_key = root .. 'gone:' .. id, root .. 'gone-submission:' .. id
  local gone, gone_submission = redis.call('GET', key), redis.call('GET', submission_key) or ''
  if not gone then return false end
  if submission == gone_submission then
    for _, each in ipairs({key, submission_key}) do redis.call('PEXPIRE', each, ARGV[6], 'LT') end
  end
  return submission ~= '' or gone_submission == '' or gone ~= 'withdrawn:' .. ARGV[17]
end
local function decide()
  local state, attempt, cancel, deadline, faults, number, runner, running_token, alive_at, order, recorded = read()
  if not state then
    if is_gone() then return {'gone'} end
    if payload == '' then return {'unknown'} end
    create_job(7)
    state, attempt, cancel, deadline, faults, number = read()
  end
  if tenant_of(id) ~= ARGV[17] then return {'foreign'} end
  if submission ~= '' and recorded and recorded ~= submission then return {'gone'} end
  if is_terminal(state) then
    redis.call('HSET', key, 'met', '1')
    return {'ended'}
  end

  local function claimed()
    local answer = {'claimed', attempt}
    if tonumber(attempt) > 1 then
      for _, part in ipairs(redis.call('LRANGE', root .. 'files:' .. id, 0, -1)) do answer[#answer + 1] = part end
    end
    return answer
  end

  if state == 'running' then
    -- The same call again, whose answer was lost.
    if token ~= '' and token == running_token then return claimed() end
    if is_first_delivery and runner ~= worker then return {'duplicate'} end
    -- A clock that was set back shows as an attempt of the future: it is not believed.
    local silent_ms = milliseconds() - (alive_at or 0)
    if not cancel and silent_ms >= 0 and silent_ms < tonumber(alive_ms) then return {'busy', attempt} end
    -- Its worker is gone.
    redis.call('HSET', key, 'faults', faults + 1)
  end
  attempt = attempt + 1
  if cancel then
    redis.call('HSET', key, 'met', '1')
    end_uncommitted(id, 'cancelled', attempt, ARGV[3], ARGV[4], ARGV[5], ARGV[6])
    return {'cancelled', attempt}
  end
  if attempt == 1 and deadline and tonumber(deadline) < milliseconds() then
    redis.call('HSET', key, 'met', '1')
    end_uncommitted(id, 'failed', attempt, ARGV[2], ARGV[4], ARGV[5], ARGV[6])
    return {'expired', attempt}
  end
  redis.call('HSET', key, 'state', 'running', 'attempt', attempt, 'workerId', worker, 'startedAt', milliseconds(),
    'lastSeq', 0, 'token', token, 'aliveAt', milliseconds())
  redis.call('HDEL', key, 'progress')
  redis.call('ZREM', root .. 'deadlines', id)
  -- Not of a record that this call has made: it says when the message came out, not when it went in.
  if is_first_delivery and order then note_taken(ARGV[10], ARGV[9], turn_tenant, order) end
  if attempt == 1 then owe_webhook(id, 'running') end
  if state == 'pending' then
    take_from('pending', id)
    put_in('running', number, id)
    queue_changed()
  end
  return claimed()
end

local answer = decide()
-- In the same step as the claim, so that a tenant's turns and jobs are never more than may run.
if turn_token ~= '' and answer[1] ~= 'unknown' then
  end_turn(ARGV[10], turn_tenant, turn_token, turn_before, answer[1] == 'claimed')
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
redis.call('HSET', key, 'lastSeq', ARGV[3], 'aliveAt', milliseconds())
if ARGV[4] ~= '' then redis.call('HSET', key, 'progress', ARGV[4]) end
return {1, cancel and 1 or 0}
`);

/**
 * ARGV: id, attempt, '1' where the job may be to blame, error or ''. Puts the job
 * back among the pending ones. Answers how many of its attempts have failed, or -1 where the attempt is not live.
 */
export const releaseScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, number, faults = unpack(redis.call('HMGET', key, 'state', 'attempt', 'number', 'faults'))
if attempt ~= ARGV[2] then return -1 end
-- The same call again, whose answer was lost.
if state == 'pending' then return tonumber(faults) end
if state ~= 'running' then return -1 end
faults = faults + (ARGV[3] == '1' and 1 or 0)
redis.call('HSET', key, 'state', 'pending', 'faults', faults)
if ARGV[4] ~= '' then redis.call('HSET', key, 'lastError', ARGV[4]) end
redis.call('HDEL', key, 'workerId', 'progress')
take_from('running', id)
put_in('pending', number, id)
queue_changed()
return faults
`);
