-- Counts items against budgets, all or nothing for each item: it is added to every budget, or to none.
--
-- KEYS  the budgets, and behind them the ticket if there is one
-- ARGV  number of budgets; milliseconds for which the ticket is remembered, or 0; the id of this call;
--       of each budget its grants or -1, its bytes or -1, its window in milliseconds; the bytes of each item
-- Returns of each item 0, or the milliseconds until it may fit; {-1} if the ticket was used by another call.
--
-- A window begins with its first grant and ends with its key, so only the clock of the store counts. Numbers are
-- below 2^53, so they are exact.
local count, lifetime, call = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local ticket = KEYS[count + 1]
if ticket then
  local user = redis.call('GET', ticket)
  if user and user ~= call then return {-1} end
end

local budgets = {}
for index = 1, count do
  local used = redis.call('HMGET', KEYS[index], 'grants', 'bytes')
  local at = 3 * index
  budgets[index] = {
    key = KEYS[index],
    most_grants = tonumber(ARGV[at + 1]), most_bytes = tonumber(ARGV[at + 2]), window = tonumber(ARGV[at + 3]),
    grants = tonumber(used[1] or 0), bytes = tonumber(used[2] or 0),
    left = redis.call('PTTL', KEYS[index]),
  }
end

local waits, granted, total = {}, 0, 0
for index = 4 + 3 * count, #ARGV do
  local bytes, wait = tonumber(ARGV[index]), 0
  for _, budget in ipairs(budgets) do
    local is_over = (budget.most_grants >= 0 and budget.grants + 1 > budget.most_grants)
      or (budget.most_bytes >= 0 and budget.bytes + bytes > budget.most_bytes)
    if is_over then wait = math.max(wait, budget.left > 0 and budget.left or budget.window) end
  end
  if wait == 0 then
    granted, total = granted + 1, total + bytes
    for _, budget in ipairs(budgets) do
      budget.grants, budget.bytes = budget.grants + 1, budget.bytes + bytes
    end
  end
  waits[#waits + 1] = wait
end

if granted > 0 then
  for _, budget in ipairs(budgets) do
    redis.call('HINCRBY', budget.key, 'grants', granted)
    redis.call('HINCRBY', budget.key, 'bytes', string.format('%.0f', total))
    if budget.left < 0 then redis.call('PEXPIRE', budget.key, budget.window) end
  end
  if ticket then redis.call('SET', ticket, call, 'PX', lifetime) end
end
return waits
