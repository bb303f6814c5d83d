import { storeScript } from "./prelude.ts";

/**
 * `<root>asset:<tenant>:<id>`: JSON of one record. `<root>blob:<tenant>:<hash>`: hash of `@` -> JSON of the blob's facts, and
 * record -> its path; `...:paths` the paths of records that have gone. `<root>asset-expiry` and `<root>idle-blobs`: sorted sets by time. Members of both, and what scripts
 * call a blob's name, are JSON lists, for tenants and hashes may hold anything.
 */
const ASSETS = `
local expiry, idle = root .. 'asset-expiry', root .. 'idle-blobs'
local function asset_key(tenant, id) return root .. 'asset:' .. tenant .. ':' .. id end
local function blob_key(tenant, hash) return root .. 'blob:' .. tenant .. ':' .. hash end

local function answer(tenant, id, text)
  return {text, redis.call('ZSCORE', expiry, cjson.encode({tenant, id})) or ''}
end

local function remove_asset(tenant, id)
  local text = redis.call('GET', asset_key(tenant, id))
  redis.call('ZREM', expiry, cjson.encode({tenant, id}))
  if not text then return 0 end
  local hash = cjson.decode(text).hash
  local blob = blob_key(tenant, hash)
  redis.call('DEL', asset_key(tenant, id))
  redis.call('SADD', blob .. ':paths', redis.call('HGET', blob, id))
  redis.call('HDEL', blob, id)
  if redis.call('HLEN', blob) == 1 then
    redis.call('ZADD', idle, milliseconds(), cjson.encode({tenant, hash}))
  end
  return 1
end

local function has_expired(tenant, id)
  local at = redis.call('ZSCORE', expiry, cjson.encode({tenant, id}))
  return at and tonumber(at) <= milliseconds()
end
`;

/**
 * ARGV: tenant, id, hash, facts of the blob or '', path, the record's own facts, ms to keep or ''. Answers {} where the
 * blob is not known, else {record, expiry or '', facts of the blob, 1 for a new record, 1 for a new blob}.
 */
export const addAssetScript = storeScript(`
${ASSETS}
local tenant, id, hash, path, keep = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[7]
local blob = blob_key(tenant, hash)
local known = redis.call('HLEN', blob) > 1
if not known and ARGV[4] == '' then return {} end
if not known and redis.call('HEXISTS', blob, '@') == 0 then redis.call('HSET', blob, '@', ARGV[4]) end
redis.call('ZREM', idle, cjson.encode({tenant, hash}))

local entries = redis.call('HGETALL', blob)
for index = 1, #entries, 2 do
  local other = entries[index]
  if other ~= '@' and entries[index + 1] == path and not has_expired(tenant, other) then
    local member = cjson.encode({tenant, other})
    if keep == '' then redis.call('ZREM', expiry, member)
    elseif redis.call('ZSCORE', expiry, member) then
      redis.call('ZADD', expiry, 'GT', milliseconds() + keep, member)
    end
    local found = answer(tenant, other, redis.call('GET', asset_key(tenant, other)))
    return {found[1], found[2], redis.call('HGET', blob, '@'), 0, 0}
  end
end

redis.call('HSET', blob, id, path)
redis.call('SET', asset_key(tenant, id), ARGV[6])
if keep ~= '' then redis.call('ZADD', expiry, milliseconds() + keep, cjson.encode({tenant, id})) end
local made = answer(tenant, id, ARGV[6])
return {made[1], made[2], redis.call('HGET', blob, '@'), 1, known and 0 or 1}
`);

/** ARGV: tenant, id. Answers {} or {record, expiry or '', facts of the blob}. */
export const findAssetScript = storeScript(`
${ASSETS}
local text = redis.call('GET', asset_key(ARGV[1], ARGV[2]))
if not text or has_expired(ARGV[1], ARGV[2]) then return {} end
local found = answer(ARGV[1], ARGV[2], text)
return {found[1], found[2], redis.call('HGET', blob_key(ARGV[1], cjson.decode(text).hash), '@')}
`);

/** ARGV: tenant, hash. */
export const hasBlobScript = storeScript(`
${ASSETS}
return redis.call('HLEN', blob_key(ARGV[1], ARGV[2])) > 1 and 1 or 0
`);

/** ARGV: tenant, id. */
export const removeAssetScript = storeScript(`
${ASSETS}
if has_expired(ARGV[1], ARGV[2]) then
  remove_asset(ARGV[1], ARGV[2])
  return 0
end
return remove_asset(ARGV[1], ARGV[2])
`);

/**
 * ARGV: ms. Answers {tenant, hash, facts, since when it is idle, paths} of each blob that has been idle for so long, at most a
 * hundred. It is idle from now on: where it is not forgotten, it is answered once more after so long.
 */
export const sweepAssetsScript = storeScript(`
${ASSETS}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', milliseconds(), 'LIMIT', 0, 100)) do
  local tenant, id = unpack(cjson.decode(member))
  remove_asset(tenant, id)
end
local swept = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', idle, '-inf', milliseconds() - ARGV[1], 'LIMIT', 0, 100)) do
  local tenant, hash = unpack(cjson.decode(member))
  local blob = blob_key(tenant, hash)
  redis.call('ZADD', idle, milliseconds(), member)
  swept[#swept + 1] = {tenant, hash, redis.call('HGET', blob, '@'), redis.call('ZSCORE', idle, member),
    redis.call('SMEMBERS', blob .. ':paths')}
end
return swept
`);

/** ARGV: tenant, hash, since when it was idle. */
export const forgetBlobScript = storeScript(`
${ASSETS}
local blob, member = blob_key(ARGV[1], ARGV[2]), cjson.encode({ARGV[1], ARGV[2]})
-- The same bytes came again meanwhile.
if redis.call('ZSCORE', idle, member) ~= ARGV[3] then return 0 end
redis.call('DEL', blob, blob .. ':paths')
redis.call('ZREM', idle, member)
return 1
`);
