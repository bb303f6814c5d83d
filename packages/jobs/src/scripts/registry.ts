import { storeScript } from "./prelude.ts";

const EXPIRE_WORKERS = `
local function expire_workers()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', root .. 'worker-expiry', '-inf', milliseconds())) do
    redis.call('ZREM', root .. 'worker-expiry', id)
    redis.call('HDEL', root .. 'workers', id)
  end
end
`;

/**
 * ARGV: worker, its registration, ms until it counts as gone, name of its catalog (pool and digest), the catalog
 * or ''. A catalog of the same pool that no live worker names any more goes when a new one comes, not
 * before: a fleet at zero still knows what it could do.
 */
export const announceScript = storeScript(`
${EXPIRE_WORKERS}
redis.call('SET', root .. 'since', milliseconds(), 'NX')
redis.call('HSET', root .. 'workers', ARGV[1], ARGV[2])
redis.call('ZADD', root .. 'worker-expiry', milliseconds() + ARGV[3], ARGV[1])
redis.call('HSET', root .. 'worker-catalog', ARGV[1], ARGV[4])
expire_workers()
if ARGV[5] == '' then return redis.call('HEXISTS', root .. 'catalogs', ARGV[4]) end

local named = {}
for _, id in ipairs(redis.call('HKEYS', root .. 'worker-catalog')) do
  if redis.call('HEXISTS', root .. 'workers', id) == 0 then
    redis.call('HDEL', root .. 'worker-catalog', id)
  else
    named[redis.call('HGET', root .. 'worker-catalog', id)] = true
  end
end
local pool = string.match(ARGV[4], '^[^:]*:')
local changed = redis.call('HSETNX', root .. 'catalogs', ARGV[4], ARGV[5])
for _, name in ipairs(redis.call('HKEYS', root .. 'catalogs')) do
  if string.sub(name, 1, #pool) == pool and not named[name] then
    redis.call('HDEL', root .. 'catalogs', name)
    changed = 1
  end
end
if changed == 1 then redis.call('INCR', root .. 'catalog-version') end
return 1
`);

/** ARGV: worker. */
export const retireScript = storeScript(`
redis.call('ZREM', root .. 'worker-expiry', ARGV[1])
redis.call('HDEL', root .. 'workers', ARGV[1])
return 1
`);

/** Registrations of the workers that are alive. */
export const workersScript = storeScript(`
${EXPIRE_WORKERS}
expire_workers()
return redis.call('HVALS', root .. 'workers')
`);

/** ARGV: the version the caller has. Answers {version} where it is that one, else {version, catalogs...}. */
export const catalogScript = storeScript(`
local version = redis.call('GET', root .. 'catalog-version') or '0'
if version == ARGV[1] then return {version} end
return {version, unpack(redis.call('HVALS', root .. 'catalogs'))}
`);
