import { storeScript } from "./prelude.ts";

/**
 * A place is `<pool>:<lane>:<tenant>`. Who waits is a hint: a place that is named for nothing costs a look, one that is not
 * named is found by who counts the queues.
 */
export const AWAIT_TURN = `
local function await_turn(pool, lane, tenant)
  local last = redis.call('HGET', root .. 'turn-last:' .. pool, tenant) or 0
  redis.call('SADD', root .. 'turn-lanes:' .. pool .. ':' .. tenant, lane)
  redis.call('ZADD', root .. 'turns:' .. pool, 'NX', last, tenant)
end
`;

const LEAVE_TURNS = `
local function leave_turns(pool, tenant)
  local last = redis.call('ZSCORE', root .. 'turns:' .. pool, tenant)
  if last then redis.call('HSET', root .. 'turn-last:' .. pool, tenant, last) end
  redis.call('ZREM', root .. 'turns:' .. pool, tenant)
end
`;

/** A turn that was not used is taken back: whoever had it is the next one again. */
export const END_TURN = `
local function end_turn(pool, tenant, token, before, is_used)
  redis.call('ZREM', root .. 'holds:' .. tenant, token)
  if not is_used then redis.call('ZADD', root .. 'turns:' .. pool, 'XX', before, tenant) end
end
`;

/**
 * ARGV: pool, token, how long an attempt that says nothing counts as alive (ms), how long a turn is held (ms), then tenants
 * to pass over, '' among them for the lanes. Answers {'off'} where no tenant has a queue of its own, {'none'}, or
 * {'turn', tenant, its turn before, lanes...}.
 *
 * The one whose last turn is the longest ago is next. A tenant with as many jobs as may run, turns that are not claimed yet
 * included, is passed over; a job whose worker has died does not count.
 */
export const takeTurnScript = storeScript(`
local pool, token, alive_ms, hold_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', root .. 'tenant-queues') == 0 then return {'off'} end
local limit = tonumber(redis.call('GET', root .. 'turn-limit') or 0)
local now = milliseconds()
local passed_over = {}
for index = 5, #ARGV do passed_over[ARGV[index]] = true end

local function has_room(tenant)
  if limit == 0 or tenant == '' then return true end
  local holds = root .. 'holds:' .. tenant
  redis.call('ZREMRANGEBYSCORE', holds, '-inf', now)
  local taken = redis.call('ZCARD', holds)
  local running = root .. 'running:' .. tenant
  if taken + redis.call('ZCARD', running) < limit then return true end
  for _, id in ipairs(redis.call('ZRANGE', running, 0, -1)) do
    local silent_ms = now - (redis.call('HGET', job(id), 'aliveAt') or 0)
    if silent_ms < alive_ms then taken = taken + 1 end
  end
  return taken < limit
end

local waiting = root .. 'turns:' .. pool
if not passed_over[''] then
  redis.call('ZADD', waiting, 'NX', redis.call('HGET', root .. 'turn-last:' .. pool, '') or 0, '')
end
for _, tenant in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
  if not passed_over[tenant] and has_room(tenant) then
    local before = redis.call('ZSCORE', waiting, tenant)
    redis.call('ZADD', waiting, redis.call('INCR', root .. 'turn-number'), tenant)
    if limit > 0 and tenant ~= '' then
      redis.call('ZADD', root .. 'holds:' .. tenant, now + hold_ms, token)
      redis.call('PEXPIRE', root .. 'holds:' .. tenant, hold_ms)
    end
    return {'turn', tenant, before, unpack(redis.call('SMEMBERS', root .. 'turn-lanes:' .. pool .. ':' .. tenant))}
  end
end
return {'none'}
`);

/**
 * ARGV: pool, tenant, token, its turn before, then the lanes whose queues were empty. A tenant with waiting jobs stays: one
 * of them may be on its way to the queue.
 */
export const returnTurnScript = storeScript(`
${LEAVE_TURNS}
${END_TURN}
local pool, tenant = ARGV[1], ARGV[2]
end_turn(pool, tenant, ARGV[3], ARGV[4], false)
if #ARGV == 4 or redis.call('EXISTS', root .. 'pending:' .. tenant) == 1 then return 1 end
local lanes = root .. 'turn-lanes:' .. pool .. ':' .. tenant
redis.call('SREM', lanes, unpack(ARGV, 5))
if redis.call('EXISTS', lanes) == 0 then leave_turns(pool, tenant) end
return 1
`);

const LEAVE_LANE = `
local function leave_lane(pool, lane, tenant)
  local lanes = root .. 'turn-lanes:' .. pool .. ':' .. tenant
  redis.call('SREM', lanes, lane)
  if redis.call('EXISTS', lanes) == 0 then leave_turns(pool, tenant) end
end
`;

/** ARGV: pool, lane, tenant. The queue is there, and may hold something. */
export const noteTenantQueueScript = storeScript(`
${AWAIT_TURN}
local place = ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3]
redis.call('ZADD', root .. 'tenant-queues', 'NX', milliseconds(), place)
redis.call('DEL', root .. 'closing:' .. place)
await_turn(ARGV[1], ARGV[2], ARGV[3])
return 1
`);

/**
 * Answers '1' where the names on the broker have been read since this Redis began, then of each place its name, its idle time
 * (ms), and '1' where jobs go to the lane instead.
 */
export const tenantQueuesScript = storeScript(`
local answer = {redis.call('EXISTS', root .. 'tenant-queues-read') == 1 and '1' or '0'}
local found = redis.call('ZRANGE', root .. 'tenant-queues', 0, -1, 'WITHSCORES')
local now = milliseconds()
for index = 1, #found, 2 do
  answer[#answer + 1] = found[index]
  answer[#answer + 1] = tostring(now - found[index + 1])
  answer[#answer + 1] = tostring(redis.call('EXISTS', root .. 'closing:' .. found[index]))
end
return answer
`);

/**
 * ARGV: jobs of a tenant that may run, 0 for any number, and how many names have been read from the broker and noted, or ''.
 * Where fewer are here, this Redis has begun anew meanwhile.
 */
export const setTurnsScript = storeScript(`
redis.call('SET', root .. 'turn-limit', ARGV[1])
if ARGV[2] ~= '' and redis.call('ZCARD', root .. 'tenant-queues') >= tonumber(ARGV[2]) then
  redis.call('SET', root .. 'tenant-queues-read', '1')
end
return 1
`);

/**
 * ARGV: pool, lane, tenant, how long it must have been idle (ms), for how long jobs go to the lane instead (ms). Answers 1
 * where nothing of the tenant waits or runs: from then on no job is sent there.
 */
export const closeTenantQueueScript = storeScript(`
${LEAVE_TURNS}
${LEAVE_LANE}
local pool, lane, tenant = ARGV[1], ARGV[2], ARGV[3]
local place = pool .. ':' .. lane .. ':' .. tenant
local used = redis.call('ZSCORE', root .. 'tenant-queues', place)
if used and milliseconds() - used < tonumber(ARGV[4]) then return 0 end
if redis.call('EXISTS', root .. 'pending:' .. tenant, root .. 'running:' .. tenant) > 0 then return 0 end
redis.call('SET', root .. 'closing:' .. place, '1', 'PX', ARGV[5])
leave_lane(pool, lane, tenant)
return 1
`);

/** ARGV: pool, lane, tenant, for how long jobs go to the lane instead (ms). The queue does not answer. */
export const muteTenantQueueScript = storeScript(`
${LEAVE_TURNS}
${LEAVE_LANE}
local pool, lane, tenant = ARGV[1], ARGV[2], ARGV[3]
redis.call('SET', root .. 'closing:' .. pool .. ':' .. lane .. ':' .. tenant, '1', 'PX', ARGV[4])
leave_lane(pool, lane, tenant)
return 1
`);

/** ARGV: pool, lane, tenant. The queue is gone. */
export const forgetTenantQueueScript = storeScript(`
${LEAVE_TURNS}
${LEAVE_LANE}
local pool, lane, tenant = ARGV[1], ARGV[2], ARGV[3]
local place = pool .. ':' .. lane .. ':' .. tenant
redis.call('ZREM', root .. 'tenant-queues', place)
redis.call('DEL', root .. 'closing:' .. place)
leave_lane(pool, lane, tenant)
return 1
`);
