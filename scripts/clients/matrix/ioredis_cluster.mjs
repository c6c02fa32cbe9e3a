// ioredis' client for clusters.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import Redis from "ioredis";

const { version } = createRequire(import.meta.url)("ioredis/package.json");
const client = new Redis.Cluster([{ host: "127.0.0.1", port: Number(process.env.PORT) }]);
let passed = 0;
const equal = (what, found, expected) => {
  assert.deepEqual(found, expected, what);
  passed += 1;
};

for (let n = 0; n < 100; n++) await client.set(`key:${n}`, n);
equal("get", await client.get("key:99"), "99");
equal("nodes", client.nodes("master").length, 1);
const pipeline = client.pipeline();
for (let n = 0; n < 100; n++) pipeline.rpush("{tag}list", n);
equal("pipeline", (await pipeline.exec()).at(-1), [null, 100]);
await assert.rejects(client.mset("a", 1, "b", 2), /CROSSSLOT/);
equal("transaction", await client.multi().set("{tag}a", 1).incr("{tag}a").exec(), [[null, "OK"], [null, 2]]);
equal("blocking pop", await client.blpop("{tag}list", 5), ["{tag}list", "0"]);
equal("script", await client.eval("return redis.call('GET', KEYS[1])", 1, "{tag}a"), "2");
console.log(`ioredis ${version} Cluster: ${passed} checks passed`);
process.exit(0);
