// node-redis.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { createClient } from "redis";

const { version } = createRequire(import.meta.url)("redis/package.json");
const url = `redis://127.0.0.1:${process.env.PORT}`;
const connect = async () => {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } });
  client.on("error", () => {}); // it connects again by itself
  return client.connect();
};
const client = await connect();
const other = await connect();
let passed = 0;
const equal = (what, found, expected) => {
  assert.deepEqual(found, expected, what);
  passed += 1;
};

equal("ping", await client.ping(), "PONG");
const pushes = await Promise.all(Array.from({ length: 100 }, (_, n) => client.rPush("pipeline", String(n))));
equal("pipeline", pushes.at(-1), 100);
setTimeout(() => other.rPush("blocking", "job"), 200);
equal("blocking pop", { ...(await client.blPop("blocking", 10)) }, { key: "blocking", element: "job" });
equal("time-out", await client.brPop("blocking", 0.05), null);
equal("transaction", await client.multi().set("counter", "1").incr("counter").exec(), ["OK", 2]);
const alone = await connect();
await alone.watch("counter");
await other.set("counter", "2");
await assert.rejects(alone.multi().set("counter", "100").exec());
equal("watch", await client.get("counter"), "2");
const script = "return {redis.call('GET', KEYS[1]), ARGV[1]}";
equal("script", await client.eval(script, { keys: ["counter"], arguments: ["x"] }), ["2", "x"]);
const sha = await client.scriptLoad(script);
equal("script again", await client.evalSha(sha, { keys: ["counter"], arguments: ["y"] }), ["2", "y"]);
await client.xGroupCreate("stream", "group", "0", { MKSTREAM: true });
const ids = [];
for (let n = 0; n < 3; n++) ids.push(await client.xAdd("stream", "*", { n: String(n) }));
const [{ messages }] = await client.xReadGroup("group", "consumer", { key: "stream", id: ">" }, { COUNT: 10 });
equal("stream group", messages.map(({ id }) => id), ids);
equal("ack", await client.xAck("stream", "group", ids[0]), 1);
equal("pending", (await client.xPending("stream", "group")).pending, 2);
await client.hSet("hash", { a: "1", b: "2" });
equal("hash", { ...(await client.hGetAll("hash")) }, { a: "1", b: "2" });
await client.zAdd("ranks", [{ score: 1.5, value: "a" }]);
equal("score", await client.zScore("ranks", "a"), 1.5);
const subscriber = await connect();
let hear;
const message = new Promise((resolve) => (hear = resolve));
await subscriber.subscribe("news", (text) => hear(text));
await client.publish("news", "hello");
equal("pub/sub", await message, "hello");
console.log("restart");
await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
equal("data after the restart", [await client.get("counter"), await client.lLen("pipeline")], ["2", 100]);
const again = new Promise((resolve) => (hear = resolve));
while ((await client.publish("news", "again")) !== 1) await new Promise((resolve) => setTimeout(resolve, 50));
equal("subscribed again", await again, "again");
console.log(`node-redis ${version}: ${passed} checks passed`);
process.exit(0);
