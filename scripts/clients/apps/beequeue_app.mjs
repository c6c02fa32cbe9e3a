// Bee-Queue: immediate, delayed, retried, failing, unique jobs, progress and a worker killed in mid-job.
import { createRequire } from "node:module";
import Queue from "bee-queue";
import { Checks, names, port, ran, ranAll, sleep, startWorker, tally, waitFor } from "./checks.mjs";

const { version } = createRequire(import.meta.url)("bee-queue/package.json");
const redis = { host: "127.0.0.1", port };
const settings = { redis, activateDelayedJobs: true, stallInterval: 1000, removeOnSuccess: false };

const work = {
  async add(job) {
    await ran(job.data.name);
    job.reportProgress({ half: true });
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
  async slow(job) {
    const isFirst = (await tally.incr("check:slow")) === 1;
    await tally.sadd("check:begun", job.data.name);
    if (isFirst) await sleep(60_000);
    await ran(job.data.name);
    return "done";
  },
};

const run = (queue, concurrency) => queue.process(concurrency, (job) => work[job.data.kind](job));
const finished = (job) =>
  new Promise((resolve) => job.on("succeeded", resolve).on("failed", (error) => resolve(error.message)));

async function main() {
  const checks = new Checks("Bee-Queue", version);
  const queue = new Queue("jobs", settings);
  run(queue, 10);
  await queue.ready();
  let progress = 0;
  const send = async (kind, name, data, change = (job) => job) => {
    const job = change(queue.createJob({ kind, name, ...data }));
    const end = finished(job);
    job.on("progress", () => (progress += 1));
    await job.save();
    return end;
  };
  const immediate = names("add", 200).map((name, n) => send("add", name, { left: n, right: n }));
  const delayed = names("later", 20).map((name) =>
    send("add", name, { left: 1, right: 1 }, (job) => job.delayUntil(Date.now() + 1000)),
  );
  const retried = names("flaky", 20).map((name) =>
    send("flaky", name, { failures: 2 }, (job) => job.retries(3).backoff("fixed", 200)),
  );
  const failing = names("hopeless", 10).map((name) => send("hopeless", name, {}, (job) => job.retries(1)));
  for (let n = 0; n < 5; n++) {
    await queue.createJob({ kind: "add", name: "unique", left: 1, right: 1 }).setId("only-one").save();
  }
  await queue.saveAll(names("bulk", 100).map((name) => queue.createJob({ kind: "add", name, left: 1, right: 1 })));
  checks.equal("results", await Promise.all(immediate), immediate.map((_, n) => 2 * n));
  checks.equal("delayed", await Promise.all(delayed), Array(20).fill(2));
  await waitFor(() => ranAll(names("flaky", 20), 3), "retried jobs");
  await waitFor(() => ranAll(names("hopeless", 10), 2), "failing jobs");
  await waitFor(() => ranAll([...names("bulk", 100), "unique"], 1), "jobs in bulk");
  checks.that("progress was reported", progress >= 200, progress);
  await Promise.all([...retried, ...failing]);
  await waitFor(async () => (await queue.checkHealth()).failed === 10, "failed jobs");
  checks.equal("failed", (await queue.checkHealth()).failed, 10);

  const stalling = new Queue("stalling", settings);
  const victim = startWorker(import.meta.url, "stalling");
  const killed = await stalling.createJob({ kind: "slow", name: "killed" }).save();
  const end = finished(killed);
  await waitFor(() => tally.sismember("check:begun", "killed"), "the slow job to begin");
  victim.kill("SIGKILL");
  run(stalling, 1);
  stalling.checkStalledJobs(1000);
  checks.equal("a killed worker's job", await end, "done");

  for (const [what, jobs, times] of [
    ["immediate", names("add", 200), 1],
    ["in bulk", names("bulk", 100), 1],
    ["delayed", names("later", 20), 1],
    ["retried", names("flaky", 20), 3],
    ["failing", names("hopeless", 10), 2],
    ["unique", ["unique"], 1],
    ["killed in mid-job", ["killed"], 1],
  ]) {
    await checks.eachRan(what, jobs, times);
  }
  await checks.finish();
}

if (process.argv[2] === "stalling") {
  const queue = new Queue("stalling", settings);
  queue.checkStalledJobs(1000);
  run(queue, 1);
} else await main();
