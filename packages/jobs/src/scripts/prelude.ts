import { webhookStates } from "@rabbitloom/protocol";
import { type Script, script } from "../redis-connection.ts";

/**
 * All keys of a deployment. The braces make Redis Cluster keep them on one node, as scripts need it.
 *
 *   <root>job:<id>       hash: one job (see record.ts)
 *   <root>pending        sorted set by number
 *   <root>running        sorted set by number
 *   <root>deadlines      sorted set by time: jobs that have to be started by then, and have not been
 *   <root>ended          sorted set by time of the end, in microseconds
 *   <root>unsaid         sorted set by time: jobs that ended without an attempt's commit, and whose end is not known to be said
 *   <root>pending:<tenant>, running:<tenant>, ended:<tenant>   the same of one tenant
 *   <root>pending-bytes:<tenant> what its pending jobs' payloads hold together; there while some are
 *   <root>gone:<id>      what became of a job whose record is no longer kept, and whose it was; expires
 *   <root>gone-submission:<id> its submission, after a '*' where the id had been used before; expires with it
 *   <root>files:<id>     list: place, first number, count and time (ms) of the files that attempts were going to write, one after another
 *   <root>leftovers      set: end (ms), tenant and such a note, of jobs that ended without these attempts: to be removed by a worker
 *   <root>number         the last queue number given
 *   <root>taken:<pool>:<lane>:<tenant> the order of the newest job taken from this queue, '' for the lane's; expires
 *   <root>name:<...>     the last number given to files of one prefix in one folder; expires two days after it was last used
 *   <root>workers        hash: worker -> its registration; <root>worker-expiry sorted set by time
 *   <root>catalogs       hash: pool and digest -> node and model catalog; <root>catalog-version counts changes
 *   <root>idempotency:<name> hash: an idempotency key's fingerprint, job, and holder with its hold, or answered status; expires
 *   <root>idempotency-holder:<id> there while a process that holds keys lives
 *   <root>streams        set: jobs that have a stream on the broker
 *   <root>lease:<name>   who does a task that one does at a time; expires
 *   <root>since          when this Redis began to remember
 *   <root>webhook:<id>   hash: whom to tell of a job; <root>webhooks sorted set of <id>:<state> by when the next try is due
 *   <root>webhook-log:<id> list: how the tries went; expires
 *   <root>tenant-queues  sorted set by last use: places <pool>:<lane>:<tenant> that have a queue of the tenant's own
 *   <root>tenant-queues-read there once the names on the broker have been read
 *   <root>closing:<place> there while such a queue is being deleted; expires
 *   <root>turns:<pool>   sorted set by last turn: tenants whose queues may hold something, '' for the lanes
 *   <root>turn-lanes:<pool>:<tenant> set: lanes in which they may
 *   <root>turn-last:<pool> hash: the last turns of those who wait for nothing; <root>turn-number the last one given
 *   <root>holds:<tenant> sorted set by when they lapse: turns given and not used yet; expires
 *   <root>turn-limit     how many jobs of one tenant may run
 *   <root>queue-change   channel: the queue's size after each change of a job's state
 */
export function storeRoot(prefix: string): string {
  return `{${prefix}}:`;
}

/** A week: longer than a message waits in its lane. */
export const WAITED_MS = 604_800_000;

const WEBHOOK_STATES = webhookStates.map((state) => `'${state}'`).join(", ");

/** Functions that several scripts share. Time is Redis's own: the one clock of the fleet. */
const PRELUDE = `
local root = KEYS[1]
local function job(id) return root .. 'job:' .. id end

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function milliseconds() return math.floor(microseconds() / 1000) end

local function queue_changed()
  local size = redis.call('ZCARD', root .. 'pending') + redis.call('ZCARD', root .. 'running')
  redis.call('PUBLISH', root .. 'queue-change', size)
end

local function is_terminal(state) return state and state ~= 'pending' and state ~= 'running' end

local function tenant_of(id) return redis.call('HGET', job(id), 'tenant') or 'default' end
-- Whether a call that may see the jobs of 'tenant' ('' for everybody's) may see this one.
local function is_in_reach(tenant, id) return tenant == '' or tenant_of(id) == tenant end
local function list_of(name, tenant) return root .. name .. (tenant == '' and '' or ':' .. tenant) end

-- Workers of an earlier version take jobs without counting: what was miscounted is forgotten as soon as nothing waits.
local function forget_miscount(tenant)
  if redis.call('EXISTS', root .. 'pending:' .. tenant) == 0 then redis.call('DEL', root .. 'pending-bytes:' .. tenant) end
end
local function pending_bytes(tenant)
  forget_miscount(tenant)
  return tonumber(redis.call('GET', root .. 'pending-bytes:' .. tenant) or 0)
end
local function count_bytes(id, tenant, sign)
  redis.call('INCRBY', root .. 'pending-bytes:' .. tenant, sign * redis.call('HSTRLEN', job(id), 'payload'))
  forget_miscount(tenant)
end

-- Each job is in the list of all and in its tenant's.
local function put_in(list, score, id)
  local tenant = tenant_of(id)
  redis.call('ZADD', root .. list, score, id)
  local added = redis.call('ZADD', root .. list .. ':' .. tenant, score, id)
  if list == 'pending' and added == 1 then count_bytes(id, tenant, 1) end
end
local function take_from(list, id)
  local tenant = tenant_of(id)
  local removed = redis.call('ZREM', root .. list .. ':' .. tenant, id)
  if list == 'pending' and removed == 1 then count_bytes(id, tenant, -1) end
  return redis.call('ZREM', root .. list, id)
end

-- With whatever is still owed of it.
local function drop_webhook(id)
  for _, state in ipairs({${WEBHOOK_STATES}}) do redis.call('ZREM', root .. 'webhooks', id .. ':' .. state) end
  redis.call('UNLINK', root .. 'webhook:' .. id)
end

local function leave_tombstone(id, became, tenant, submission, gone_ms)
  redis.call('SET', root .. 'gone:' .. id, became .. ':' .. tenant, 'PX', gone_ms)
  redis.call('SET', root .. 'gone-submission:' .. id, submission, 'PX', gone_ms)
end
-- A message that no worker has seen yet, or one of an earlier submission, may come as long as lanes are long.
local function remove_job(id, became, gone_ms)
  local submission, started, met, reused = unpack(redis.call('HMGET', job(id), 'submission', 'startedAt', 'met', 'reused'))
  if reused or not (started or met) then gone_ms = math.max(gone_ms, ${WAITED_MS}) end
  leave_tombstone(id, became, tenant_of(id), (reused and '*' or '') .. (submission or ''), gone_ms)
  redis.call('UNLINK', job(id), root .. 'files:' .. id)
  redis.call('ZREM', root .. 'unsaid', id)
end

-- At most a hundred a call: each call ends one job, so the list still shrinks. Each tenant keeps its own number of
-- jobs: whoever runs many does not push the others' out.
local function trim_ended(tenant, keep_ms, keep_jobs, gone_ms)
  local ended, own = root .. 'ended', root .. 'ended:' .. tenant
  local function expire(ids)
    for _, id in ipairs(ids) do
      take_from('ended', id)
      remove_job(id, 'expired', gone_ms)
    end
  end
  expire(redis.call('ZRANGEBYSCORE', ended, '-inf', microseconds() - keep_ms * 1000, 'LIMIT', 0, 100))
  local over = redis.call('ZCARD', own) - keep_jobs
  if over > 0 then expire(redis.call('ZRANGE', own, 0, math.min(over, 100) - 1)) end
end

-- In the same step as what is told, so that it is told whatever process dies.
local function owe_webhook(id, state)
  local hook = root .. 'webhook:' .. id
  local states = redis.call('HGET', hook, 'states')
  if not states or not string.find(states, ',' .. state .. ',', 1, true) then return end
  redis.call('HINCRBY', hook, 'owed', 1)
  redis.call('HSET', hook, 'at:' .. state, milliseconds(), 'tries:' .. state, 0)
  redis.call('PERSIST', hook)
  redis.call('ZADD', root .. 'webhooks', milliseconds(), id .. ':' .. state)
end
-- Once the job has ended and nothing is owed any more.
local function drop_told_webhook(id)
  local hook = root .. 'webhook:' .. id
  local ended, owed = unpack(redis.call('HMGET', hook, 'ended', 'owed'))
  if ended and (owed or '0') == '0' then redis.call('UNLINK', hook) end
end
local function end_webhook(id, state)
  local hook = root .. 'webhook:' .. id
  if redis.call('EXISTS', hook) == 0 then return end
  owe_webhook(id, state)
  redis.call('HSET', hook, 'ended', '1')
  drop_told_webhook(id)
end

-- The payload where it may name a queue that hears of the job, else '': few do, and payloads are long.
local function payload_with_reply(id)
  local payload = redis.call('HGET', job(id), 'payload')
  return payload and string.find(payload, '"reply":{', 1, true) and payload or ''
end

-- What attempts wrote that came to nothing is removed by whichever worker comes to it first.
local function leave_files(id)
  local files = root .. 'files:' .. id
  local notes = redis.call('LRANGE', files, 0, -1)
  local ended_at, tenant = string.format('%.0f', milliseconds()), tenant_of(id)
  for index = 1, #notes, 4 do
    local entry = cjson.encode({ended_at, tenant, unpack(notes, index, index + 3)})
    redis.call('SADD', root .. 'leftovers', entry)
  end
  redis.call('UNLINK', files)
end

local function end_job(id, state, keep_ms, keep_jobs, gone_ms)
  local at = microseconds()
  redis.call('HSET', job(id), 'state', state, 'endedAt', math.floor(at / 1000))
  take_from('pending', id)
  take_from('running', id)
  redis.call('ZREM', root .. 'deadlines', id)
  put_in('ended', at, id)
  leave_files(id)
  end_webhook(id, state)
  trim_ended(tenant_of(id), keep_ms, keep_jobs, gone_ms)
  queue_changed()
end

-- An end that no attempt commits, whose event is the first of this one: whoever asked for it says it, and a sweeper where that
-- one died. Answers the payload as above.
local function end_uncommitted(id, state, attempt, error, keep_ms, keep_jobs, gone_ms)
  redis.call('HSET', job(id), 'attempt', attempt, 'lastSeq', 1, 'error', error)
  redis.call('ZADD', root .. 'unsaid', milliseconds(), id)
  local payload = payload_with_reply(id)
  end_job(id, state, keep_ms, keep_jobs, gone_ms)
  return payload
end
`;

export function storeScript(body: string): Script {
  return script(`${PRELUDE}\n${body}`);
}
