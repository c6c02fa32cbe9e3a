# redis-rb.
require "redis"

PORT = Integer(ENV.fetch("PORT"))
$stdout.sync = true
def connect
  Redis.new(host: "127.0.0.1", port: PORT, reconnect_attempts: 3)
end
client = connect
$passed = 0
def equal(what, found, expected)
  abort("redis-rb: #{what}: found #{found.inspect}") unless found == expected
  $passed += 1
end

equal("ping", client.ping, "PONG")
binary = (0..255).map(&:chr).join.b
client.set("binary", binary)
equal("binary", client.get("binary").b, binary)
replies = client.pipelined { |pipe| 100.times { |n| pipe.rpush("pipeline", n) } }
equal("pipeline", replies.last, 100)
Thread.new { sleep 0.2; connect.rpush("blocking", "job") }
equal("blocking pop", client.blpop("blocking", timeout: 10), ["blocking", "job"])
equal("time-out", client.brpop("blocking", timeout: 1), nil)
equal("transaction", client.multi { |multi| multi.set("counter", 1); multi.incr("counter") }, ["OK", 2])
client.watch("counter") do
  connect.set("counter", 2)
  equal("watch", client.multi { |multi| multi.set("counter", 100) }, nil)
end
script = "return {redis.call('GET', KEYS[1]), ARGV[1]}"
equal("script", client.eval(script, ["counter"], ["x"]), ["2", "x"])
equal("script again", client.evalsha(client.script(:load, script), ["counter"], ["y"]), ["2", "y"])
client.xgroup(:create, "stream", "group", "0", mkstream: true)
ids = 3.times.map { |n| client.xadd("stream", { n: n }) }
equal("stream group", client.xreadgroup("group", "consumer", "stream", ">")["stream"].map(&:first), ids)
equal("ack", client.xack("stream", "group", ids[0]), 1)
equal("pending", client.xpending("stream", "group")["size"], 2)
heard = Queue.new
Thread.new { connect.subscribe("news") { |on| on.message { |_, text| heard << text } } }
sleep 0.01 until client.publish("news", "hello") == 1
equal("pub/sub", heard.pop, "hello")
client.hset("hash", { "a" => 1, "b" => 2 })
equal("hash", client.hgetall("hash"), { "a" => "1", "b" => "2" })
puts "restart"
$stdin.gets
100.times do
  break if client.ping
rescue Redis::BaseConnectionError
  sleep 0.05
end
equal("data after the restart", [client.get("counter"), client.llen("pipeline")], ["2", 100])
puts "redis-rb #{Redis::VERSION}: #{$passed} checks passed"
