import { storeScript, WAITED_MS } from "./prelude.ts";
import { AWAIT_TURN } from "./turns.ts";

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

/** How many arguments create_job takes. */
export const NEW_JOB_ARGUMENTS = newJobFields.length + 7;

/**
 * Makes a pending record from ARGV[first..]: id, the fields above, the number ('' for the next), '1' to go before
 * all others, the tenant, how long it may wait (ms or ''), its tags as `,a,b,` or '', and its submission or ''. An empty
 * submittedAt is now. Of deadline and waiting time the earlier one counts, the latter by the clock here.
 */
export const CREATE_JOB = `
local function create_job(first)
  local id = ARGV[first]
  local order = redis.call('INCR', root .. 'number')
  local number = order
  if ARGV[first + 9] == '1' then number = -number end
  if ARGV[first + 8] ~= '' then number = ARGV[first + 8] end
  local submitted = ARGV[first + 6]
  if submitted == '' then submitted = milliseconds() end
  local deadline = tonumber(ARGV[first + 7]) or math.huge
  if ARGV[first + 11] ~= '' then deadline = math.min(deadline, milliseconds() + ARGV[first + 11]) end
  redis.call('HSET', job(id), 'state', 'pending', 'attempt', 0, 'faults', 0, 'lastSeq', 0, 'number', number, 'order', order,
    'payload', ARGV[first + 1], 'lane', ARGV[first + 2], 'pool', ARGV[first + 3], 'clientId', ARGV[first + 4],
    'gatewayId', ARGV[first + 5], 'submittedAt', submitted, 'tenant', ARGV[first + 10], 'tags', ARGV[first + 12],
    'submission', ARGV[first + 13])
  if deadline < math.huge then
    redis.call('HSET', job(id), 'deadlineAt', math.ceil(deadline))
    redis.call('ZADD', root .. 'deadlines', deadline, id)
  end
  put_in('pending', number, id)
  -- Whoever was told of an earlier job of this id is not told of this one.
  drop_webhook(id)
  if redis.call('DEL', root .. 'gone:' .. id, root .. 'gone-submission:' .. id) > 0 then
    redis.call('HSET', job(id), 'reused', '1')
  end
  return number
end
`;

/** Whoever hears that a job is taken counts on it: it is not withdrawn any more. `tenant` is '' for any. */
const PROMISE = `
local function promise(id, tenant)
  local state, attempt = unpack(redis.call('HMGET', job(id), 'state', 'attempt'))
  if not state or not is_in_reach(tenant, id) then return 0 end
  if state == 'pending' and attempt == '0' then redis.call('HSET', job(id), 'promised', '1') end
  return 1
end
`;

/** ARGV: id, tenant or '' for any. Answers 1, or 0 where there is no such job. */
export const promiseScript = storeScript(`
${PROMISE}
return promise(ARGV[1], ARGV[2])
`);

/**
 * ARGV: what create_job takes, then how many jobs of the tenant may wait, or '', '1' where the job goes to its tenant's own
 * queue, how many bytes of the tenant may wait, or '', and whom to tell of the job: url or '', secret, states as
 * `,succeeded,failed,`, how long at most until it is told of (ms). Answers the number, '1' where that queue is being deleted, so that
 * the job has to go to the lane, and '1' where an earlier job of this id has left a stream; false where the id is taken or was
 * another tenant's a while ago, 'full', or 'large'.
 */
export const submitScript = storeScript(`
${CREATE_JOB}
${AWAIT_TURN}
${PROMISE}
local lane, pool, tenant = ARGV[3], ARGV[4], ARGV[11]
if redis.call('EXISTS', job(ARGV[1])) == 1 then
  promise(ARGV[1], tenant)
  return false
end
local gone = redis.call('GET', root .. 'gone:' .. ARGV[1])
if gone and string.match(gone, '^%w+:(.*)$') ~= tenant then return false end
local most = ARGV[${1 + NEW_JOB_ARGUMENTS}]
if most ~= '' and redis.call('ZCARD', root .. 'pending:' .. tenant) >= tonumber(most) then return 'full' end
local most_bytes = ARGV[${3 + NEW_JOB_ARGUMENTS}]
if most_bytes ~= '' and pending_bytes(tenant) + #ARGV[2] > tonumber(most_bytes) then return 'large' end
local number = create_job(1)
-- In the same step: a job that is there is told of, whatever process dies.
local url, secret, states, until_told_ms = unpack(ARGV, ${4 + NEW_JOB_ARGUMENTS})
if url ~= '' then
  local hook = root .. 'webhook:' .. ARGV[1]
  redis.call('HSET', hook, 'url', url, 'secret', secret, 'states', states)
  redis.call('PEXPIRE', hook, until_told_ms)
end
local is_closing = '0'
if ARGV[${2 + NEW_JOB_ARGUMENTS}] == '1' then
  local place = pool .. ':' .. lane .. ':' .. tenant
  if redis.call('EXISTS', root .. 'closing:' .. place) == 1 then
    is_closing = '1'
  elseif redis.call('ZSCORE', root .. 'tenant-queues', place) then
    redis.call('ZADD', root .. 'tenant-queues', milliseconds(), place)
    await_turn(pool, lane, tenant)
  end
end
queue_changed()
return {tostring(number), is_closing, tostring(redis.call('SISMEMBER', root .. 'streams', ARGV[1]))}
`);

/**
 * ARGV: id, tenant, submission or '', for how long a late delivery is to be ignored (ms, '' for as long as one may come).
 * Answers 1 where nothing of this submission is left, 0 where its record stays: a worker had it already, or somebody was told
 * that the job is taken.
 */
export const withdrawScript = storeScript(`
local id, gone_ms = ARGV[1], ARGV[4] == '' and ${WAITED_MS} or ARGV[4]
local state, attempt, promised, submission =
  unpack(redis.call('HMGET', job(id), 'state', 'attempt', 'promised', 'submission'))
if not state then
  if redis.call('EXISTS', root .. 'gone:' .. id) == 0 then leave_tombstone(id, 'withdrawn', ARGV[2], ARGV[3], gone_ms) end
  return 1
end
-- The id was taken anew while this caller did not look.
if (submission or '') ~= ARGV[3] then return 1 end
if state ~= 'pending' or attempt ~= '0' or promised then return 0 end
take_from('pending', id)
redis.call('ZREM', root .. 'deadlines', id)
if ARGV[4] ~= '' then redis.call('HSET', job(id), 'met', '1') end
drop_webhook(id)
remove_job(id, 'withdrawn', gone_ms)
queue_changed()
return 1
`);
