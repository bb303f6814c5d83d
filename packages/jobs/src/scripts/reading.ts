import { storeScript } from "./prelude.ts";

const READ = `
local fields = {unpack(ARGV, 2, 1 + ARGV[1])}
local tenant = ARGV[2 + #fields]
local first = 3 + #fields
local has_turns = redis.call('EXISTS', root .. 'tenant-queues') == 1
local waiting = {}
local function waiting_jobs(pool)
  if not waiting[pool] then
    waiting[pool] = {}
    for _, other in ipairs(redis.call('ZRANGE', root .. 'turns:' .. pool, 0, -1)) do
      waiting[pool][other] = redis.call('ZCARD', root .. 'pending:' .. other)
    end
  end
  return waiting[pool]
end
-- By number, or, where tenants take turns: the n-th job of a tenant has its own n - 1 before it, and as many of each other one.
local function position(id)
  local rank = redis.call('ZRANK', root .. 'pending', id)
  if not rank or not has_turns then return rank end
  local tenant = tenant_of(id)
  local own = redis.call('ZRANK', root .. 'pending:' .. tenant, id)
  local before = own
  for other, jobs in pairs(waiting_jobs(redis.call('HGET', job(id), 'pool'))) do
    if other ~= tenant then before = before + math.min(jobs, own) end
  end
  return before
end
local function read(id)
  local values = redis.call('HMGET', job(id), unpack(fields))
  if not values[1] then return nil end
  return {id, position(id), unpack(values)}
end
local function read_all(ids)
  local records = {}
  for _, id in ipairs(ids) do
    local record = read(id)
    if record then records[#records + 1] = record end
  end
  return records
end
`;

/**
 * In every script here ARGV starts with the number of fields, the fields, of which 'state' is the first, and the tenant
 * whose jobs are to be seen, '' for everybody's.
 */

/** ARGV: fields, id. Answers a record (id, jobs before it, values), 'expired', or 'unknown'. */
export const findScript = storeScript(`
${READ}
local id = ARGV[first]
local record = read(id)
if record then return is_in_reach(tenant, id) and record or 'unknown' end
local gone = redis.call('GET', root .. 'gone:' .. id)
if not gone then return 'unknown' end
local became, owner = string.match(gone, '^(%w+):(.*)$')
if became == 'withdrawn' or (tenant ~= '' and owner ~= tenant) then return 'unknown' end
return 'expired'
`);

/** ARGV: fields. Answers {running, pending}, each by number. */
export const queueScript = storeScript(`
${READ}
return {
  read_all(redis.call('ZRANGE', list_of('running', tenant), 0, -1)),
  read_all(redis.call('ZRANGE', list_of('pending', tenant), 0, -1)),
}
`);

/** The number of jobs pending or running. */
export const queueSizeScript = storeScript(
  `return redis.call('ZCARD', root .. 'pending') + redis.call('ZCARD', root .. 'running')`,
);

/** ARGV: fields, offset or '', most or ''. Answers ended records, oldest first. */
export const historyScript = storeScript(`
${READ}
local ended = list_of('ended', tenant)
local offset, most = ARGV[first], ARGV[first + 1]
local from, to = 0, -1
if offset ~= '' then
  from = tonumber(offset)
  if most ~= '' then to = from + most - 1 end
  if most == '0' then return {} end
elseif most == '0' then
  return {}
elseif most ~= '' then
  from = -most
end
return read_all(redis.call('ZRANGE', ended, from, to))
`);

/**
 * ARGV: fields, offset, most, the number of tags, tags that a job must have, then states. Running jobs, pending ones by
 * number, then ended ones, newest first. Answers {total, records}.
 */
export const listScript = storeScript(`
${READ}
local offset, most = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
local first_state = first + 3 + ARGV[first + 2]
local wanted, wants_ended = {}, 0
for index = first_state, #ARGV do
  wanted[ARGV[index]] = true
  if is_terminal(ARGV[index]) then wants_ended = wants_ended + 1 end
end
local lists = {}
if wanted.running then lists[#lists + 1] = redis.call('ZRANGE', list_of('running', tenant), 0, -1) end
if wanted.pending then lists[#lists + 1] = redis.call('ZRANGE', list_of('pending', tenant), 0, -1) end
if wants_ended > 0 then
  local ids = redis.call('ZREVRANGE', list_of('ended', tenant), 0, -1)
  if wants_ended < 4 then
    local kept = {}
    for _, id in ipairs(ids) do
      if wanted[redis.call('HGET', job(id), 'state')] then kept[#kept + 1] = id end
    end
    ids = kept
  end
  lists[#lists + 1] = ids
end
local function has_tags(id)
  if ARGV[first + 2] == '0' then return true end
  local tags = redis.call('HGET', job(id), 'tags') or ''
  for index = first + 3, first_state - 1 do
    if not string.find(tags, ',' .. ARGV[index] .. ',', 1, true) then return false end
  end
  return true
end
local total, page = 0, {}
for _, ids in ipairs(lists) do
  for _, id in ipairs(ids) do
    if has_tags(id) then
      if total >= offset and #page < most then page[#page + 1] = id end
      total = total + 1
    end
  end
end
return {total, read_all(page)}
`);
