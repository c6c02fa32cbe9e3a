-- The part of the sandbox that is easier said in Lua. Gets the functions written in Rust and the
-- names of the libraries; makes every library and the global table read-only, and replies what
-- the server itself needs of it.
local host, libraries = ...
local error, next, pairs, rawget, rawset, rawequal = error, next, pairs, rawget, rawset, rawequal
local type, tostring, pcall, xpcall, select = type, tostring, pcall, xpcall, select
local setmetatable, getmetatable, load, loadstring = setmetatable, getmetatable, load, loadstring
local collectgarbage, floor, ipairs = collectgarbage, math.floor, ipairs
local tonumber, concat = tonumber, table.concat
local buffer = require("string.buffer")
local encode, decode = buffer.encode, buffer.decode
local STRING_BYTES_MAX = 512 * 1024 * 1024
local READ_ONLY = "Attempt to modify a readonly table"
-- Functions of Rust fail with about 8000 arguments, and not in a way that can be caught.
local ARGUMENTS_MAX = 4000

-- What stands behind each read-only table.
local behind = setmetatable({}, { __mode = "k" })

local function refuse()
  error(READ_ONLY, 2)
end

local function frozen(content, metatable)
  local front = setmetatable({}, {
    __index = content,
    __newindex = refuse,
    __metatable = metatable or false,
  })
  behind[front] = content
  return front
end

-- A function of Rust replies an error, or nil and its results.
local function finish(failure, ...)
  if failure ~= nil then
    error(failure, 0)
  end
  return ...
end

local function raising(f)
  return function(...)
    if select("#", ...) > ARGUMENTS_MAX then
      error("too many arguments", 2)
    end
    return finish(f(...))
  end
end

local function raising_all(functions)
  local all = {}
  for name, f in pairs(functions) do
    all[name] = raising(f)
  end
  return all
end

-- Commands get their words packed in one string: nil, if one is neither a string nor a number, and
-- empty, if they are too large. A table among them must not be packed, as it may be endless.
local REQUEST_BYTES_MAX = host.REQUEST_BYTES_MAX
local function packed(words, count)
  for i = 1, count do
    local kind = type(words[i])
    if kind ~= "string" and kind ~= "number" then
      return nil
    end
  end
  local ok, text = pcall(encode, words)
  return ok and #text <= REQUEST_BYTES_MAX and text or ""
end

-- Looking at each word costs more than packing it. A buffer refuses what is neither a string nor a
-- number, unless a metatable says how it becomes a string, which scripts hardly ever have.
local scratch, has_metatables = buffer.new(), false
local put, reset, free = scratch.put, scratch.reset, scratch.free
local SCRATCH_BYTES_MAX = 64 * 1024

-- A function that hands its words to `f` of Rust, and that to `done`.
local function with_words(f, done)
  return function(...)
    reset(scratch)
    if has_metatables or not pcall(put, scratch, ...) then
      free(scratch)
      return done(f(packed({ ... }, select("#", ...))))
    end
    local text = encode({ ... })
    if #text > SCRATCH_BYTES_MAX then
      free(scratch)
      text = #text <= REQUEST_BYTES_MAX and text or ""
    end
    return done(f(text))
  end
end

local globals = {}
local STATUS, PACKED, ERROR = host.STATUS, host.PACKED, host.ERROR
local function made(value, todo)
  if todo == PACKED then
    return decode(value)
  elseif todo == STATUS then
    return { ok = value }
  end
  return value
end

local redis = raising_all(host.api)
redis.acl_check_cmd = with_words(host.acl_check_cmd, finish)
for name, value in pairs(host.constants) do
  redis[name] = value
end
redis.call = with_words(host.call, function(value, todo)
  if todo == nil then
    return value
  elseif todo == ERROR then
    error(value, 0)
  end
  return made(value, todo)
end)
redis.pcall = with_words(host.call, made)
function redis.breakpoint()
  return false
end
function redis.debug() end
function redis.replicate_commands()
  return true
end

local function caught(ok, problem, ...)
  if not ok then
    if type(problem) == "table" then
      local text = rawget(problem, "err")
      if type(text) == "string" then
        return false, text
      end
    elseif type(problem) == "userdata" then
      return false, tostring(problem)
    end
  end
  return ok, problem, ...
end
function globals.pcall(...)
  return caught(pcall(...))
end

function globals.next(t, key)
  return next(behind[t] or t, key)
end
-- What stands behind a table is never handed out.
function globals.pairs(t)
  if behind[t] ~= nil then
    return globals.next, t, nil
  end
  return pairs(t)
end
function globals.rawget(t, key)
  return rawget(behind[t] or t, key)
end
function globals.rawset(t, key, value)
  if behind[t] ~= nil then
    error(READ_ONLY, 2)
  end
  return rawset(t, key, value)
end
function globals.setmetatable(t, metatable)
  if behind[t] ~= nil then
    error(READ_ONLY, 2)
  end
  has_metatables = true
  return setmetatable(t, metatable)
end
function globals.load(source, name)
  return load(source, name, "t")
end
function globals.loadstring(source, name)
  return loadstring(source, name, "t")
end
function globals.collectgarbage(option, argument)
  if option == "stop" or option == "restart" or option == "setpause" or option == "setstepmul" then
    return 0
  end
  return collectgarbage(option or "collect", argument)
end

function math.random(...)
  local low, high = ...
  local count, r = select("#", ...), host.random()
  if count == 0 then
    return r
  elseif count == 1 then
    low, high = 1, low
  elseif count > 2 then
    error("wrong number of arguments", 2)
  end
  if type(low) ~= "number" or type(high) ~= "number" then
    error("bad argument #1 to 'random' (number expected, got " .. type((...)) .. ")", 2)
  end
  if low > high then
    error("bad argument #" .. count .. " to 'random' (interval is empty)", 2)
  end
  return floor(r * (high - low + 1)) + low
end
local rep = string.rep
function string.rep(s, n, ...)
  local count = tonumber(n)
  if type(s) == "string" and count ~= nil and #s * count > STRING_BYTES_MAX then
    error("resulting string too large", 2)
  end
  return rep(s, n, ...)
end
local insert = table.insert
function table.insert(t, ...)
  if behind[t] ~= nil then
    error(READ_ONLY, 2)
  end
  return insert(t, ...)
end
math.randomseed = raising(host.seed)
math.mod = math.fmod
string.gfind = string.gmatch

for _, name in pairs({
  "assert", "error", "gcinfo", "getmetatable", "ipairs", "rawequal", "select", "tonumber",
  "tostring", "type", "unpack", "xpcall", "_VERSION",
}) do
  globals[name] = _G[name]
end
globals.redis = frozen(redis)
for name, functions in pairs(libraries) do
  globals[name] = frozen(raising_all(functions))
end
-- A small value is a table of strings, numbers, booleans and such tables, counted in bytes: what is
-- left of `room` behind one; nil if there is nothing left, or all else. Others may be endless.
local SMALL_BYTES, ELEMENT_BYTES = 4096, 64
local function room_behind(t, room)
  local index = 0
  for key, value in next, t do
    index = index + 1
    if key ~= index and type(key) ~= "string" then
      return nil
    end
    local kind = type(value)
    room = room - ELEMENT_BYTES
    if kind == "string" then
      room = room - #value
    elseif kind == "table" then
      room = room > 0 and room_behind(value, room) or 0
    elseif kind ~= "number" and kind ~= "boolean" then
      return nil
    end
    if room <= 0 then
      return nil
    end
  end
  return room
end

-- Small values are packed by the interpreter, and made JSON of by Rust.
local cjson, json_of = behind[globals.cjson], host.json_of
local encode_any = cjson.encode
function cjson.encode(...)
  local value = ...
  if type(value) == "table" and select("#", ...) == 1 and room_behind(value, SMALL_BYTES) then
    local text = json_of(encode(value))
    if text then
      return text
    end
  end
  return encode_any(...)
end
-- The usual text is unpacked by the interpreter.
local cmsgpack, repack = behind[globals.cmsgpack], host.repack
local unpack_any = cmsgpack.unpack
function cmsgpack.unpack(...)
  local text = ...
  local packed = type(text) == "string" and repack(text)
  if packed then
    local ok, value = pcall(decode, packed)
    if ok then
      return value
    end
  end
  return unpack_any(...)
end
for _, name in pairs({ "string", "table", "math", "coroutine", "bit" }) do
  globals[name] = frozen(_G[name])
end
local strings = getmetatable("")
strings.__metatable = frozen({ __index = globals.string })

-- The null of JSON is a value of its own; numbers and other constants are no functions.
for name, constants in pairs(host.library_constants) do
  for key, value in pairs(constants) do
    behind[globals[name]][key] = value
  end
end

local front = _G
for name in pairs(front) do
  rawset(front, name, nil)
end
globals._G = front
local function no_such(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end
local loading = setmetatable({
  register_function = raising(host.register),
  log = redis.log,
}, { __index = no_such })
for name, value in pairs(host.constants) do
  if name:sub(1, 4) ~= "REPL" then
    loading[name] = value
  end
end
local loading_globals = setmetatable({ redis = frozen(loading) }, { __index = no_such })
local shown = { __index = globals, __newindex = refuse }
local function switch(is_loading)
  shown.__index = is_loading and loading_globals or globals
end
shown.__metatable = frozen({ __index = no_such, __newindex = refuse })
setmetatable(front, shown)
behind[front] = globals
setmetatable(globals, { __index = no_such })

-- What most scripts use stands in a table that needs no detour to be found, for scripts that do
-- not try to assign it.
local hot = setmetatable({}, { __index = globals, __newindex = refuse })
for _, name in ipairs(host.hot_names) do
  rawset(hot, name, rawget(globals, name))
end

-- Are there no elements but those from 1 to the length? Others may come before them, too.
local function is_array(t)
  local count = 0
  for _ in next, t do
    count = count + 1
  end
  return count == #t
end

-- Number of bytes in a table of strings and numbers; nil for any other. An error that is caught
-- costs as much as hundreds of elements.
local function flat_bytes(t)
  if is_array(t) and type(rawget(t, 1)) ~= "table" then
    local ok, text = pcall(concat, t)
    return ok and #text or nil
  end
end

-- Is a table one of strings, numbers, and tables of such, and not too large? Others may be endless.
local function can_be_packed(t)
  local bytes = flat_bytes(t)
  if bytes == nil then
    if not is_array(t) then
      return false
    end
    bytes = 0
    for i = 1, #t do
      local element = rawget(t, i)
      local kind = type(element)
      local more = kind == "table" and flat_bytes(element)
        or kind == "string" and #element
        or (kind == "number" or kind == "boolean") and 0
      if not more then
        return false
      end
      bytes = bytes + more
    end
  end
  return bytes <= STRING_BYTES_MAX
end

-- What a script returned, besides packed if it can be; a string needs no more than that.
local function left(ok, value)
  if ok then
    local kind = type(value)
    if kind == "string" then
      return ok, nil, encode(value)
    elseif kind == "table" then
      local is_small = rawget(value, 1) ~= nil and room_behind(value, SMALL_BYTES)
      return ok, value, (is_small or can_be_packed(value)) and encode(value) or nil
    end
  end
  return ok, value
end

-- Calls a script with the globals KEYS and ARGV, or a function with these as arguments.
local on_error = host.on_error
local function enter(f, words, is_function)
  words = decode(words)
  local keys, args = words[1], words[2]
  if is_function then
    return left(xpcall(f, on_error, keys, args))
  end
  globals.KEYS, globals.ARGV = keys, args
  rawset(hot, "KEYS", keys)
  rawset(hot, "ARGV", args)
  return left(xpcall(f, on_error))
end

return enter, hot, pcall, switch
