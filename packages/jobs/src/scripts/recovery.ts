import { storeScript } from "./prelude.ts";

/** Far longer than jobs behind each other are apart. */
const TAKEN_MS = 86_400_000;

/**
 * Messages leave a queue in the order in which they came: of the lane, or, with a tenant, of the tenant's own. A job is passed
 * where one that was published after it has been taken. Orders count publishings: those of `number`, whatever number was asked for.
 */
export const TAKEN = `
local function taken_key(pool, lane, tenant) return root .. 'taken:' .. pool .. ':' .. lane .. ':' .. tenant end
local function note_taken(pool, lane, tenant, order)
  local key = taken_key(pool, lane, tenant)
  if tonumber(order) > tonumber(redis.call('GET', key) or 0) then redis.call('SET', key, order, 'PX', ${TAKEN_MS}) end
end
local function is_passed(pool, lane, tenant, order)
  return tonumber(order) < tonumber(redis.call('GET', taken_key(pool, lane, tenant)) or 0)
end
`;

/** ARGV: error, three of retention. Answers of each id, attempt, gateway, and the payload if it names a reply queue, or ''. */
export const expireScript = storeScript(`
local answer = {}
local due = redis.call('ZRANGEBYSCORE', root .. 'deadlines', '-inf', milliseconds(), 'LIMIT', 0, 100)
for _, id in ipairs(due) do
  redis.call('ZREM', root .. 'deadlines', id)
  local state, attempt, gateway = unpack(redis.call('HMGET', job(id), 'state', 'attempt', 'gatewayId'))
  if state == 'pending' and attempt == '0' then
    redis.call('HSET', job(id), 'endedBy', 'deadline')
    local payload = end_uncommitted(id, 'failed', 1, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
    for _, part in ipairs({id, 1, gateway or '', payload}) do answer[#answer + 1] = part end
  end
end
return answer
`);

/** Answers id and time (ms) of the jobs whose end is not known to be said, one after another: since then, or tried then last. */
export const unsaidScript = storeScript(`
return redis.call('ZRANGE', root .. 'unsaid', 0, 999, 'WITHSCORES')
`);

/**
 * ARGV: id. Answers {state, attempt, gateway, error, payload as above} of an end that is still to be said, or false. A process
 * of the version before may have said it, or removed the record, without taking it from the list.
 */
export const unsaidEndScript = storeScript(`
local state, attempt, gateway, error, ended_by, announced =
  unpack(redis.call('HMGET', job(ARGV[1]), 'state', 'attempt', 'gatewayId', 'error', 'endedBy', 'announced'))
if is_terminal(state) and ended_by ~= 'attempt' and not announced then
  -- Behind the others, should it fail again.
  redis.call('ZADD', root .. 'unsaid', 'XX', milliseconds(), ARGV[1])
  return {state, attempt, gateway or '', error, payload_with_reply(ARGV[1])}
end
redis.call('ZREM', root .. 'unsaid', ARGV[1])
return false
`);

/** Answers id, attempt and last sign of life of each running job, one after another. */
export const attemptsScript = storeScript(`
local answer = {}
for _, id in ipairs(redis.call('ZRANGE', root .. 'running', 0, -1)) do
  local attempt, alive_at = unpack(redis.call('HMGET', job(id), 'attempt', 'aliveAt'))
  for _, part in ipairs({id, attempt or '0', alive_at or ''}) do answer[#answer + 1] = part end
end
return answer
`);

/** ARGV: id, attempt, last sign of life. Answers how many attempts have failed, or -1 where it is not gone. */
export const takeBackScript = storeScript(`
local id = ARGV[1]
local key = job(id)
local state, attempt, alive_at, number, faults =
  unpack(redis.call('HMGET', key, 'state', 'attempt', 'aliveAt', 'number', 'faults'))
if state ~= 'running' or attempt ~= ARGV[2] or (alive_at or '') ~= ARGV[3] then return -1 end
redis.call('HSET', key, 'state', 'pending', 'faults', faults + 1)
redis.call('HDEL', key, 'workerId', 'progress')
take_from('running', id)
put_in('pending', number, id)
queue_changed()
return faults + 1
`);

/** ARGV: id, how long an attempt that says nothing counts as alive (ms). Answers 1 or 0. */
export const isAliveScript = storeScript(`
local state, alive_at = unpack(redis.call('HMGET', job(ARGV[1]), 'state', 'aliveAt'))
if state ~= 'running' then return 0 end
local silent_ms = milliseconds() - (alive_at or 0)
return (silent_ms >= 0 and silent_ms < tonumber(ARGV[2])) and 1 or 0
`);

/**
 * ARGV: where the last look ended, '0' for the first, about how many, and '1' where tenants have queues of their own. Answers where
 * this one ended, '0' after the last, then id, number, attempt, lane, pool, tenant, and '1' where it was passed, of each pending
 * job. By a scan: numbers are the clients' choice, and who comes first by them must not hide the others.
 */
export const waitingScript = storeScript(`
${TAKEN}
local next, found = unpack(redis.call('ZSCAN', root .. 'pending', ARGV[1], 'COUNT', ARGV[2]))
local answer = {next}
for index = 1, #found, 2 do
  local id = found[index]
  local attempt, lane, pool, order = unpack(redis.call('HMGET', job(id), 'attempt', 'lane', 'pool', 'order'))
  if attempt then
    local tenant = tenant_of(id)
    local passed = order and is_passed(pool, lane, ARGV[3] == '1' and tenant or '', order)
    for _, part in ipairs({id, found[index + 1], attempt, lane, pool, tenant, passed and '1' or '0'}) do answer[#answer + 1] = part end
  end
end
return answer
`);

/** ARGV: id. A message of the job is about to be published again, behind all others. */
export const requeueScript = storeScript(`
if redis.call('EXISTS', job(ARGV[1])) == 0 then return 0 end
redis.call('HSET', job(ARGV[1]), 'order', redis.call('INCR', root .. 'number'))
return 1
`);

/** ARGV: name, holder, ms. Answers 1 where the holder has it now. */
export const leaseScript = storeScript(`
local key = root .. 'lease:' .. ARGV[1]
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[2] then return 0 end
redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
return 1
`);

/** Answers when the first worker announced itself, or this was first asked (ms). */
export const sinceScript = storeScript(`
redis.call('SET', root .. 'since', milliseconds(), 'NX')
return redis.call('GET', root .. 'since')
`);
