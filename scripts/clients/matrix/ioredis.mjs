// ioredis.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import Redis from "ioredis";

const { version } = createRequire(import.meta.url)("ioredis/package.json");
const options = { port: Number(process.env.PORT), maxRetriesPerRequest: null, retryStrategy: () => 50 };
const client = new Redis(options);
const other = new Redis(options);
for (const each of [client, other]) each.on("error", () => {}); // it connects again by itself
let passed = 0;
const equal = (what, found, expected) => {
  assert.deepEqual(found, expected, what);
  passed += 1;
};

equal("ping", await client.ping(), "PONG");
const binary = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
await client.set("binary", binary);
equal("binary", await client.getBuffer("binary"), binary);
const pipeline = client.pipeline();
for (let n = 0; n < 100; n++) pipeline.rpush("pipeline", n);
equal("pipeline", (await pipeline.exec()).at(-1), [null, 100]);
setTimeout(() => other.rpush("blocking", "job"), 200);
equal("blocking pop", await client.blpop("blocking", 10), ["blocking", "job"]);
equal("time-out", await client.brpop("blocking", 0.05), null);
equal("transaction", await client.multi().set("counter", 1).incr("counter").exec(), [[null, "OK"], [null, 2]]);
await client.watch("counter");
await other.set("counter", 2);
equal("watch", await client.multi().set("counter", 100).exec(), null);
client.defineCommand("read", { numberOfKeys: 1, lua: "return {redis.call('GET', KEYS[1]), ARGV[1]}" });
equal("script", await client.read("counter", "x"), ["2", "x"]);
equal("script again", await client.read("counter", "y"), ["2", "y"]);
await client.xgroup("CREATE", "stream", "group", "0", "MKSTREAM");
const ids = [];
for (let n = 0; n < 3; n++) ids.push(await client.xadd("stream", "*", "n", n));
const [[, entries]] = await client.xreadgroup("GROUP", "group", "consumer", "COUNT", 10, "STREAMS", "stream", ">");
equal("stream group", entries.map(([id]) => id), ids);
equal("ack", await client.xack("stream", "group", ids[0]), 1);
equal("pending", (await client.xpending("stream", "group"))[0], 2);
const subscriber = client.duplicate();
subscriber.on("error", () => {});
const message = new Promise((resolve) => subscriber.on("message", (channel, text) => resolve([channel, text])));
await subscriber.subscribe("news");
equal("publish", await client.publish("news", "hello"), 1);
equal("pub/sub", await message, ["news", "hello"]);
console.log("restart");
await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
equal("data after the restart", [await client.get("counter"), await client.llen("pipeline")], ["2", 100]);
const again = new Promise((resolve) => subscriber.once("message", (channel, text) => resolve([channel, text])));
while ((await client.publish("news", "again")) !== 1) await new Promise((resolve) => setTimeout(resolve, 50));
equal("subscribed again", await again, ["news", "again"]);
console.log(`ioredis ${version}: ${passed} checks passed`);
process.exit(0);
