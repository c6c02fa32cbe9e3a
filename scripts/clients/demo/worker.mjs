// A worker of the demo in Node, by ioredis; see worker.py.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import Redis from "ioredis";

const [port, name, mode] = process.argv.slice(2);
const client = new Redis({
  port: Number(port),
  maxRetriesPerRequest: null,
  retryStrategy: () => 50,
});
client.on("error", () => {}); // it connects again by itself
const processing = `processing:${name}`;

async function again(action) {
  for (;;) {
    try {
      return await action();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function take() {
  if (mode === "blmove") return client.blmove("jobs:blmove", processing, "RIGHT", "LEFT", 1);
  const popped = await client.brpop("jobs:brpop", 1);
  return popped && popped[1];
}

async function record(job, result) {
  const { path } = JSON.parse(job);
  const multi = client.multi().hset("results", path, result).hincrby(`runs:${mode}`, path, 1);
  multi.hincrby("workers", name, 1);
  if (mode === "blmove") multi.lrem(processing, 1, job);
  for (const [error] of await multi.exec()) if (error) throw error;
}

for (;;) {
  const job = await again(take);
  if (!job) continue;
  const data = await readFile(JSON.parse(job).path);
  const digest = createHash("sha256").update(data).digest("hex");
  const result = `${digest} ${gzipSync(data).length}`;
  await again(() => record(job, result));
}
