import { storeScript } from "./prelude.ts";

/**
 * ARGV: for how long the taker has it (ms), how many at most. Answers {job, url, secret, state, since when it is in
 * that state (ms), try} of what is due. A taker that falls silent loses it: it is due again then, under the next try's number.
 */
export const takeWebhooksScript = storeScript(`
local list, now = root .. 'webhooks', milliseconds()
local taken = {}
for _, owed in ipairs(redis.call('ZRANGEBYSCORE', list, '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local id, state = string.match(owed, '^(.*):(%w+)$')
  local hook = root .. 'webhook:' .. id
  local url, secret, at = unpack(redis.call('HMGET', hook, 'url', 'secret', 'at:' .. state))
  if url then
    redis.call('ZADD', list, now + ARGV[1], owed)
    taken[#taken + 1] = {id, url, secret, state, at, redis.call('HINCRBY', hook, 'tries:' .. state, 1)}
  else
    redis.call('ZREM', list, owed)
  end
end
return taken
`);

/** ARGV: job, state, try, what is noted of it, ms until the next one or '' for none, how long the log is kept (ms). */
export const settleWebhookScript = storeScript(`
local id, state = ARGV[1], ARGV[2]
local hook, log = root .. 'webhook:' .. id, root .. 'webhook-log:' .. id
redis.call('RPUSH', log, ARGV[4])
redis.call('LTRIM', log, -50, -1)
redis.call('PEXPIRE', log, ARGV[6])
if redis.call('HGET', hook, 'tries:' .. state) ~= ARGV[3] then return 0 end
if ARGV[5] == '' then
  redis.call('ZREM', root .. 'webhooks', id .. ':' .. state)
  redis.call('HDEL', hook, 'at:' .. state, 'tries:' .. state)
  redis.call('HINCRBY', hook, 'owed', -1)
  drop_told_webhook(id)
else
  redis.call('ZADD', root .. 'webhooks', milliseconds() + ARGV[5], id .. ':' .. state)
end
return 1
`);

/** ARGV: job, states. Answers when the next try is due (ms), or false, and the log. */
export const webhookLogScript = storeScript(`
local due
for index = 2, #ARGV do
  local at = redis.call('ZSCORE', root .. 'webhooks', ARGV[1] .. ':' .. ARGV[index])
  if at and (not due or tonumber(at) < tonumber(due)) then due = at end
end
return {due or false, redis.call('LRANGE', root .. 'webhook-log:' .. ARGV[1], 0, -1)}
`);
