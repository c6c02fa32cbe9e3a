// A producer of the demo in Node, by ioredis; see producer.py.
import { createInterface } from "node:readline";
import Redis from "ioredis";

const [port, queue] = process.argv.slice(2);
const client = new Redis({ port: Number(port), maxRetriesPerRequest: null, retryStrategy: () => 50 });
client.on("error", () => {}); // it connects again by itself
let id = 0;
for await (const path of createInterface({ input: process.stdin })) {
  const job = JSON.stringify({ id: id++, path, producer: "node" });
  for (;;) {
    try {
      await client.lpush(queue, job);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
client.disconnect();
