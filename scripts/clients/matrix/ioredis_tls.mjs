// ioredis over TLS.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Redis from "ioredis";

const { version } = createRequire(import.meta.url)("ioredis/package.json");
const read = (name) => readFileSync(join(process.env.CERTIFICATES, name));
const connect = (name, authority = "ca.crt") => {
  const shown = name ? { cert: read(`${name}.crt`), key: read(`${name}.key`) } : {};
  const options = { port: Number(process.env.TLS_PORT), lazyConnect: true, retryStrategy: null };
  const client = new Redis({ ...options, tls: { ca: read(authority), servername: "localhost", ...shown } });
  client.on("error", () => {});
  return client;
};
let passed = 0;
const equal = (what, found, expected) => {
  assert.deepEqual(found, expected, what);
  passed += 1;
};

const client = connect("client");
equal("ping", await client.ping(), "PONG");
for (const [what, other] of [
  ["no certificate", connect(null)],
  ["a certificate of a stranger", connect("stranger")],
  ["a server that is not trusted", connect("client", "stranger-ca.crt")],
]) {
  await assert.rejects(other.ping(), undefined, what);
  passed += 1;
}
const value = Buffer.alloc(5_000_000, "0123456789");
await client.set("large", value);
equal("a large value", (await client.getBuffer("large")).equals(value), true);
const pipeline = client.pipeline();
for (let n = 0; n < 10_000; n++) pipeline.rpush("list", n);
equal("pipeline", (await pipeline.exec()).at(-1), [null, 10_000]);
console.log(`ioredis ${version} TLS: ${passed} checks passed`);
process.exit(0);
