// BullMQ: adds jobs that do nothing, one by one and many at once, then processes them.
import { Queue, Worker } from "bullmq";

const connection = { host: "127.0.0.1", port: Number(process.env.PORT), maxRetriesPerRequest: null };
const jobs = Number(process.env.JOBS);
const data = { file: "cat.jpg", width: 640, height: 480 };
const CONCURRENT = 50;

async function perSecond(work) {
  const begin = performance.now();
  await work();
  return (jobs / (performance.now() - begin)) * 1000;
}

const queue = new Queue("bench", { connection });
await queue.waitUntilReady();
const options = { removeOnComplete: true };
// Of the time, how much Node's only thread for JavaScript works: at 1 no server makes it faster.
const begin = performance.eventLoopUtilization();

const add = await perSecond(async () => {
  let left = jobs;
  const adder = async () => {
    while (left-- > 0) await queue.add("resize", data, options);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, adder));
});

const process_ = await perSecond(
  () =>
    new Promise((resolve, reject) => {
      let done = 0;
      const worker = new Worker("bench", async () => {}, { connection, concurrency: CONCURRENT });
      worker.on("completed", () => {
        if (++done === jobs) worker.close().then(resolve);
      });
      worker.on("error", reject);
    }),
);
const load = performance.eventLoopUtilization(begin).utilization;
await queue.close();
console.log(JSON.stringify({ add_per_second: add, process_per_second: process_, load_busy: load }));
