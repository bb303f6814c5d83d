import { storeScript } from "./prelude.ts";

const READ = `
local fields = {unpack(ARGV, 2, 1 + ARGV[1])}
local first = 2 + #fields
local function read(id)
  local values = redis.call('HMGET', job(id), unpack(fields))
  if not values[1] then return nil end
  return {id, redis.call('ZRANK', root .. 'pending', id), unpack(values)}
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

/** In every script here ARGV starts with the number of fields and the fields, of which 'state' is the first. */

/** ARGV: fields, id. Answers a record (id, rank among the pending, values), 'expired', or 'unknown'. */
export const findScript = storeScript(`
${READ}
local id = ARGV[first]
local record = read(id)
if record then return record end
local became = redis.call('GET', root .. 'gone:' .. id)
if became and became ~= 'withdrawn' then return 'expired' end
return 'unknown'
`);

/** ARGV: fields. Answers {running, pending}, each by number. */
export const queueScript = storeScript(`
${READ}
return {
  read_all(redis.call('ZRANGE', root .. 'running', 0, -1)),
  read_all(redis.call('ZRANGE', root .. 'pending', 0, -1)),
}
`);

/** The number of jobs pending or running. */
export const queueSizeScript = storeScript(
  `return redis.call('ZCARD', root .. 'pending') + redis.call('ZCARD', root .. 'running')`,
);

/** ARGV: fields, offset or '', most or ''. Answers ended records, oldest first. */
export const historyScript = storeScript(`
${READ}
local ended = root .. 'ended'
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
 * ARGV: fields, offset, most, then states. Running jobs, pending ones by number, then ended ones, newest first.
 * Answers {total, records}.
 */
export const listScript = storeScript(`
${READ}
local offset, most = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
local wanted, wants_ended = {}, 0
for index = first + 2, #ARGV do
  wanted[ARGV[index]] = true
  if is_terminal(ARGV[index]) then wants_ended = wants_ended + 1 end
end
local lists = {}
if wanted.running then lists[#lists + 1] = redis.call('ZRANGE', root .. 'running', 0, -1) end
if wanted.pending then lists[#lists + 1] = redis.call('ZRANGE', root .. 'pending', 0, -1) end
if wants_ended > 0 then
  local ids = redis.call('ZREVRANGE', root .. 'ended', 0, -1)
  if wants_ended < 4 then
    local kept = {}
    for _, id in ipairs(ids) do
      if wanted[redis.call('HGET', job(id), 'state')] then kept[#kept + 1] = id end
    end
    ids = kept
  end
  lists[#lists + 1] = ids
end
local total, page = 0, {}
for _, ids in ipairs(lists) do
  for _, id in ipairs(ids) do
    if total >= offset and #page < most then page[#page + 1] = id end
    total = total + 1
  end
end
return {total, read_all(page)}
`);
