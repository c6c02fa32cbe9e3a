// BullMQ: immediate, bulk, delayed, prioritised, LIFO, rate-limited, retried, failing, unique, repeated
// jobs, flows, events, pause and a worker killed in mid-job.
import { createRequire } from "node:module";
import { FlowProducer, Queue, QueueEvents, UnrecoverableError, Worker } from "bullmq";
import { Checks, connection, names, ran, ranAll, sleep, startWorker, tally, waitFor } from "./checks.mjs";

const { version } = createRequire(import.meta.url)("bullmq/package.json");

const work = {
  async add(job) {
    await ran(job.data.name);
    return job.data.left + job.data.right;
  },
  async flaky(job) {
    if ((await ran(job.data.name)) <= job.data.failures) throw new Error("not yet");
    return "at last";
  },
  async hopeless(job) {
    await ran(job.data.name);
    throw new Error("never");
  },
  async unrecoverable(job) {
    await ran(job.data.name);
    throw new UnrecoverableError("at once");
  },
  async ordered(job) {
    await tally.rpush("check:order", job.data.name);
  },
  async parent(job) {
    await ran(job.data.name);
    return Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0);
  },
  async slow(job) {
    const isFirst = (await tally.incr("check:slow")) === 1;
    await tally.sadd("check:begun", job.data.name);
    if (isFirst) await sleep(60_000);
    await ran(job.data.name);
    return "done";
  },
  async tick() {
    await ran("tick");
  },
};

const run = (queue, options = {}) =>
  new Worker(queue, (job) => work[job.name](job), { connection, ...options });

async function main() {
  const checks = new Checks("BullMQ", version);
  const queue = new Queue("jobs", { connection });
  const events = new QueueEvents("jobs", { connection });
  await events.waitUntilReady();

  const ranked = new Queue("ranked", { connection });
  await ranked.pause();
  for (let n = 9; n >= 0; n--) await ranked.add("ordered", { name: `rank-${n}` }, { priority: n + 1 });
  await ranked.add("ordered", { name: "usual" });
  checks.equal("paused", [await ranked.isPaused(), await tally.llen("check:order")], [true, 0]);
  const rankedWorker = run("ranked", { concurrency: 1 });
  await ranked.resume();
  await waitFor(async () => (await tally.llen("check:order")) === 11, "prioritised jobs");
  checks.equal("order of priorities", await tally.lrange("check:order", 0, -1), ["usual", ...names("rank", 10)]);

  const workers = [run("jobs", { concurrency: 10 }), run("jobs", { concurrency: 10 })];
  const immediate = [];
  for (const [n, name] of names("add", 200).entries()) immediate.push(await queue.add("add", { name, left: n, right: n }));
  await queue.addBulk(names("bulk", 200).map((name) => ({ name: "add", data: { name, left: 1, right: 1 } })));
  const delayed = await queue.addBulk(
    names("later", 20).map((name) => ({ name: "add", data: { name, left: 1, right: 1 }, opts: { delay: 1000 } })),
  );
  const backoff = { type: "exponential", delay: 100 };
  const retried = await queue.addBulk(
    names("flaky", 20).map((name) => ({ name: "flaky", data: { name, failures: 2 }, opts: { attempts: 4, backoff } })),
  );
  const failing = await queue.addBulk(
    names("hopeless", 10).map((name) => ({ name: "hopeless", data: { name }, opts: { attempts: 2 } })),
  );
  await queue.add("unrecoverable", { name: "unrecoverable" }, { attempts: 5 });
  for (let n = 0; n < 5; n++) await queue.add("add", { name: "unique", left: 1, right: 1 }, { jobId: "only-one" });
  for (let n = 0; n < 5; n++) {
    await queue.add("add", { name: "deduplicated", left: 1, right: 1 }, { deduplication: { id: "d" }, delay: 500 });
  }
  await queue.upsertJobScheduler("tick", { every: 500 }, { name: "tick" });

  const flows = new FlowProducer({ connection });
  const trees = [];
  for (const name of names("tree", 10)) {
    const children = names(`${name}-leaf`, 5).map((leaf) => ({
      name: "add", queueName: "jobs", data: { name: leaf, left: 1, right: 1 },
    }));
    trees.push(await flows.add({ name: "parent", queueName: "jobs", data: { name }, children }));
  }

  const results = await Promise.all(immediate.map((job) => job.waitUntilFinished(events, 90_000)));
  checks.equal("results", results, immediate.map((_, n) => 2 * n));
  const sums = await Promise.all(trees.map((tree) => tree.job.waitUntilFinished(events, 90_000)));
  checks.equal("flows sum their children", sums, Array(10).fill(10));
  const late = await Promise.all(delayed.map((job) => job.waitUntilFinished(events, 90_000)));
  checks.equal("delayed", late, Array(20).fill(2));
  const last = await Promise.all(retried.map((job) => job.waitUntilFinished(events, 90_000)));
  checks.equal("retried", last, Array(20).fill("at last"));
  await waitFor(async () => (await queue.getFailedCount()) === 11, "failed jobs");
  checks.equal("failed", await queue.getFailedCount(), 11);
  const states = await Promise.all(failing.map((job) => job.getState()));
  checks.equal("failing jobs end as failed", [...new Set(states)], ["failed"]);
  await waitFor(async () => Number(await tally.hget("check:runs", "tick")) >= 3, "the repeated job");
  await queue.removeJobScheduler("tick");

  const limited = new Queue("limited", { connection });
  await limited.addBulk(names("limited", 20).map((name) => ({ name: "add", data: { name, left: 1, right: 1 } })));
  const begin = Date.now();
  const limitedWorker = run("limited", { limiter: { max: 5, duration: 300 }, concurrency: 10 });
  await waitFor(() => ranAll(names("limited", 20), 1), "rate-limited jobs");
  checks.that("the rate limit holds", Date.now() - begin >= 850, Date.now() - begin);

  const stalling = new Queue("stalling", { connection });
  const victim = startWorker(import.meta.url, "stalling");
  const killed = await stalling.add("slow", { name: "killed" });
  await waitFor(() => tally.sismember("check:begun", "killed"), "the slow job to begin");
  victim.kill("SIGKILL");
  const rescuer = run("stalling", { lockDuration: 2000, stalledInterval: 1000 });
  await waitFor(async () => (await killed.getState()) === "completed", "the killed worker's job");
  checks.equal("a killed worker's job", await killed.getState(), "completed");

  for (const [what, jobs, times] of [
    ["immediate", names("add", 200), 1],
    ["in bulk", names("bulk", 200), 1],
    ["delayed", names("later", 20), 1],
    ["retried", names("flaky", 20), 3],
    ["failing", names("hopeless", 10), 2],
    ["unrecoverable", ["unrecoverable"], 1],
    ["unique", ["unique"], 1],
    ["deduplicated", ["deduplicated"], 1],
    ["flows", names("tree", 10), 1],
    ["leaves", names("tree", 10).flatMap((tree) => names(`${tree}-leaf`, 5)), 1],
    ["rate-limited", names("limited", 20), 1],
    ["killed in mid-job", ["killed"], 1],
  ]) {
    await checks.eachRan(what, jobs, times);
  }
  const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized");
  checks.equal("nothing is left", [counts.waiting, counts.active, counts.prioritized], [0, 0, 0]);
  await Promise.all([...workers, rankedWorker, limitedWorker, rescuer].map((worker) => worker.close()));
  await queue.obliterate({ force: true });
  await checks.finish();
}

if (process.argv[2] === "stalling") run("stalling", { lockDuration: 2000, stalledInterval: 1000 });
else await main();
