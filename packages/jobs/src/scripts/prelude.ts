import { type Script, script } from "../redis-connection.ts";

/**
 * All keys of a deployment. The braces make Redis Cluster keep them on one node, as scripts need it.
 *
 *   <root>job:<id>       hash: one job (see record.ts)
 *   <root>pending        sorted set by number
 *   <root>running        sorted set by number
 *   <root>ended          sorted set by time of the end, in microseconds
 *   <root>gone:<id>      what became of a job whose record is no longer kept; expires
 *   <root>files:<id>     list: place, first number and count of the files that attempts were going to write, one after another
 *   <root>number         the last queue number given
 *   <root>name:<...>     the last number given to files of one prefix in one folder
 *   <root>workers        hash: worker -> its registration; <root>worker-expiry sorted set by time
 *   <root>catalogs       hash: pool and digest -> node and model catalog; <root>catalog-version counts changes
 *   <root>streams        set: jobs that have a stream on the broker
 *   <root>queue-change   channel: the queue's size after each change of a job's state
 */
export function storeRoot(prefix: string): string {
  return `{${prefix}}:`;
}

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

local function remove_job(id, became, gone_ms)
  redis.call('UNLINK', job(id), root .. 'files:' .. id)
  redis.call('SET', root .. 'gone:' .. id, became, 'PX', gone_ms)
end

-- At most a hundred a call: each call ends one job, so the list still shrinks.
local function trim_ended(keep_ms, keep_jobs, gone_ms)
  local ended = root .. 'ended'
  local old = redis.call('ZRANGEBYSCORE', ended, '-inf', microseconds() - keep_ms * 1000, 'LIMIT', 0, 100)
  local over = redis.call('ZCARD', ended) - keep_jobs
  if over > #old then old = redis.call('ZRANGE', ended, 0, math.min(over, 100) - 1) end
  for _, id in ipairs(old) do
    redis.call('ZREM', ended, id)
    remove_job(id, 'expired', gone_ms)
  end
end

local function end_job(id, state, keep_ms, keep_jobs, gone_ms)
  local at = microseconds()
  redis.call('HSET', job(id), 'state', state, 'endedAt', math.floor(at / 1000))
  redis.call('ZREM', root .. 'pending', id)
  redis.call('ZREM', root .. 'running', id)
  redis.call('ZADD', root .. 'ended', at, id)
  redis.call('UNLINK', root .. 'files:' .. id)
  trim_ended(keep_ms, keep_jobs, gone_ms)
  queue_changed()
end
`;

export function storeScript(body: string): Script {
  return script(`${PRELUDE}\n${body}`);
}
