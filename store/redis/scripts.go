package redis

import goredis "github.com/redis/go-redis/v9"

// form is how a script is named to a server: by the checksum of one that it has seen, or by the whole text.
type form bool

const (
	bySum  form = false
	byText form = true
)

type script struct{ text, sum string }

// newScript has the checksum made by go-redis. It is SHA-1 because that is how Redis names scripts.
func newScript(text string) script { return script{text, goredis.NewScript(text).Hash()} }

// call returns the command that runs the script.
func (s *script) call(as form, keys []string, args ...any) []any {
	all := make([]any, 0, 3+len(keys)+len(args))
	if as == byText {
		all = append(all, "eval", s.text)
	} else {
		all = append(all, "evalsha", s.sum)
	}
	all = append(all, len(keys))
	for _, k := range keys {
		all = append(all, k)
	}
	return append(all, args...)
}

// isUnknownScript reports whether the server does not know the script that it was to run.
func isUnknownScript(c command) bool { return goredis.HasErrorPrefix(c.Err(), "NOSCRIPT") }

var (
	// addScript is Add of a mark of use: 1 is done, 0 there is a value, less is how many milliseconds younger the mark
	// would have to be for Redis to know that it is new, and nil is that there is no marker.
	addScript = newScript(`
local since = redis.call('GET', KEYS[2])
if not since then return false end
if since ~= '0' then
	local now = redis.call('TIME')
	local made = now[1] * 1000 + math.floor(now[2] / 1000) - ARGV[3]
	if made <= tonumber(since) then return made - since - 1 end
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`)

	// replaceScript is Replace: 1 is done, 0 is a conflict.
	replaceScript = newScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

	// incrementScript is Increment. It returns the number and the milliseconds that are left.
	incrementScript = newScript(`
local delta, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then
	if delta <= 0 then return {0, 0} end
	redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
	return {delta, ttl}
end
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
if n < 0 then
	n = 0
	redis.call('SET', KEYS[1], '0', 'KEEPTTL')
end
return {n, redis.call('PTTL', KEYS[1])}`)

	// markScript lays a marker unless there is one, and returns what it says.
	markScript = newScript(`
local since = redis.call('GET', KEYS[1])
if not since then
	local now = redis.call('TIME')
	since = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
	redis.call('SET', KEYS[1], since)
end
return tonumber(since)`)
)
