<?php
// phpredis.
$port = (int) getenv("PORT");
function connect(): Redis
{
    global $port;
    $client = new Redis();
    $client->connect("127.0.0.1", $port, 10);
    return $client;
}
$passed = 0;
function equal(string $what, mixed $found, mixed $expected): void
{
    global $passed;
    if ($found !== $expected) {
        echo "phpredis: $what: found ", json_encode($found), "\n";
        exit(1);
    }
    $passed += 1;
}

$client = connect();
equal("ping", $client->ping(), true);
$binary = implode("", array_map("chr", range(0, 255)));
$client->set("binary", $binary);
equal("binary", $client->get("binary"), $binary);
$pipe = $client->pipeline();
for ($n = 0; $n < 100; $n++) {
    $pipe->rPush("pipeline", $n);
}
equal("pipeline", $pipe->exec()[99], 100);
$pusher = "\$c = new Redis(); \$c->connect('127.0.0.1', $port); usleep(200000); \$c->rPush('blocking', 'job');";
$child = proc_open([PHP_BINARY, "-r", $pusher], [], $pipes);
equal("blocking pop", $client->blPop(["blocking"], 10), ["blocking", "job"]);
proc_close($child);
equal("time-out", $client->brPop(["blocking"], 1), []);
equal("transaction", $client->multi()->set("counter", 1)->incr("counter")->exec(), [true, 2]);
$client->watch("counter");
connect()->set("counter", 2);
equal("watch", $client->multi()->set("counter", 100)->exec(), false);
$script = "return {redis.call('GET', KEYS[1]), ARGV[1]}";
equal("script", $client->eval($script, ["counter", "x"], 1), ["2", "x"]);
equal("script again", $client->evalSha($client->script("load", $script), ["counter", "y"], 1), ["2", "y"]);
$client->xGroup("CREATE", "stream", "group", "0", true);
$ids = [];
for ($n = 0; $n < 3; $n++) {
    $ids[] = $client->xAdd("stream", "*", ["n" => $n]);
}
equal("stream group", array_keys($client->xReadGroup("group", "consumer", ["stream" => ">"])["stream"]), $ids);
equal("ack", $client->xAck("stream", "group", [$ids[0]]), 1);
equal("pending", $client->xPending("stream", "group")[0], 2);
$publisher = "\$c = new Redis(); \$c->connect('127.0.0.1', $port); while (\$c->publish('news', 'hello') != 1) usleep(10000);";
$child = proc_open([PHP_BINARY, "-r", $publisher], [], $pipes);
$subscriber = connect();
$heard = null;
$subscriber->setOption(Redis::OPT_READ_TIMEOUT, 2);
try {
    // subscribe() goes on until a read takes too long.
    $subscriber->subscribe(["news"], function ($redis, $channel, $text) use (&$heard) {
        $heard = $text;
    });
} catch (RedisException) {
    $subscriber->close();
}
proc_close($child);
equal("pub/sub", $heard, "hello");
$client->hMSet("hash", ["a" => 1, "b" => 2]);
equal("hash", $client->hGetAll("hash"), ["a" => "1", "b" => "2"]);
echo "restart\n";
fgets(STDIN);
for ($try = 0; $try < 100; $try++) {
    try {
        $client->ping();
        break;
    } catch (RedisException) {
        usleep(50000);
    }
}
equal("data after the restart", [$client->get("counter"), $client->lLen("pipeline")], ["2", 100]);
echo "phpredis ", phpversion("redis"), ": $passed checks passed\n";
