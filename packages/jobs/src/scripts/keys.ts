import { storeScript } from "./prelude.ts";

/**
 *   <root>key:<hash>     hash: one API key, found by what its bearer shows: id, tenant, scopes, name, times (ms)
 *   <root>keys           hash: id of a key -> hash of its secret
 *   <root>key-revoked    channel: ids of keys that no longer count
 */

/** ARGV: hash, id, tenant, scopes, name, created at, expires at or ''. Answers 0 where the id is taken. */
export const createKeyScript = storeScript(`
if redis.call('HSETNX', root .. 'keys', ARGV[2], ARGV[1]) == 0 then return 0 end
redis.call('HSET', root .. 'key:' .. ARGV[1], 'id', ARGV[2], 'tenant', ARGV[3], 'scopes', ARGV[4], 'name', ARGV[5],
  'createdAt', ARGV[6], 'expiresAt', ARGV[7])
return 1
`);

const READ_KEY = `
local function read_key(hash)
  local values = redis.call('HMGET', root .. 'key:' .. hash, 'id', 'tenant', 'scopes', 'name', 'createdAt', 'expiresAt',
    'revokedAt')
  if not values[1] then return false end
  return values
end
`;

/** ARGV: hash, or '' and the id. Answers the key's values and the time (ms), or false. */
export const findKeyScript = storeScript(`
${READ_KEY}
local hash = ARGV[1]
if hash == '' then hash = redis.call('HGET', root .. 'keys', ARGV[2]) end
local key = hash and read_key(hash)
if not key then return false end
key[#key + 1] = milliseconds()
return key
`);

/** Every key's values. */
export const listKeysScript = storeScript(`
${READ_KEY}
local keys = {}
for _, hash in ipairs(redis.call('HVALS', root .. 'keys')) do
  local key = read_key(hash)
  if key then keys[#keys + 1] = key end
end
return keys
`);

/** ARGV: id. Answers 1, also where it was revoked before, or 0 where there is no such key. */
export const revokeKeyScript = storeScript(`
local hash = redis.call('HGET', root .. 'keys', ARGV[1])
if not hash then return 0 end
redis.call('HSETNX', root .. 'key:' .. hash, 'revokedAt', milliseconds())
redis.call('PUBLISH', root .. 'key-revoked', ARGV[1])
return 1
`);
