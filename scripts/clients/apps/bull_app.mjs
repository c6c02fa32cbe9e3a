// Bull: immediate, delayed, prioritised, rate-limited, retried, failing, unique, repeated jobs, pause and a
// worker killed in mid-job.
import { createRequire } from "node:module";
import Queue from "bull";
import { Checks, names, port, ran, ranAll, sleep, startWorker, tally, waitFor } from "./checks.mjs";

const { version } = createRequire(import.meta.url)("bull/package.json");
const redis = { host: "127.0.0.1", port };
const settings = { lockDuration: 2000, stalledInterval: 1000 };

const work = {
  async add({ name, left, right }) {
    await ran(name);
    return left + right;
  },
  async flaky({ name, failures }) {
    if ((await ran(name)) <= failures) throw new Error("not yet");
    return "at last";
  },
  async hopeless({ name }) {
    await ran(name);
    throw new Error("never");
  },
  async ordered({ name }) {
    await tally.rpush("check:order", name);
  },
  async slow({ name }) {
    const isFirst = (await tally.incr("check:slow")) === 1;
    await tally.sadd("check:begun", name);
    if (isFirst) await sleep(60_000);
    await ran(name);
    return "done";
  },
};

const run = (queue, concurrency) => queue.process("*", concurrency, (job) => work[job.name](job.data));

async function main() {
  const checks = new Checks("Bull", version);
  const ranked = new Queue("ranked", { redis });
  await ranked.pause();
  for (let n = 9; n >= 0; n--) await ranked.add("ordered", { name: `rank-${n}` }, { priority: n + 1 });
  run(ranked, 1);
  checks.equal("paused", await tally.llen("check:order"), 0);
  await ranked.resume();
  await waitFor(async () => (await tally.llen("check:order")) === 10, "prioritised jobs");
  checks.equal("order of priorities", await tally.lrange("check:order", 0, -1), names("rank", 10));

  const queue = new Queue("jobs", { redis });
  run(queue, 10);
  const add = (name, n, options) => queue.add("add", { name, left: n, right: n }, options);
  const immediate = await Promise.all(names("add", 200).map((name, n) => add(name, n)));
  await queue.addBulk(names("bulk", 100).map((name) => ({ name: "add", data: { name, left: 1, right: 1 } })));
  const delayed = await Promise.all(names("later", 20).map((name) => add(name, 1, { delay: 1000 })));
  const options = { attempts: 4, backoff: { type: "fixed", delay: 200 } };
  const retried = await Promise.all(names("flaky", 20).map((name) => queue.add("flaky", { name, failures: 2 }, options)));
  const failing = await Promise.all(names("hopeless", 10).map((name) => queue.add("hopeless", { name }, { attempts: 2 })));
  for (let n = 0; n < 5; n++) await add("unique", 1, { jobId: "only-one" });
  await queue.add("add", { name: "tick", left: 0, right: 0 }, { repeat: { every: 400, limit: 3 } });
  checks.equal("results", await Promise.all(immediate.map((job) => job.finished())), immediate.map((_, n) => 2 * n));
  checks.equal("delayed", await Promise.all(delayed.map((job) => job.finished())), Array(20).fill(2));
  checks.equal("retried", await Promise.all(retried.map((job) => job.finished())), Array(20).fill("at last"));
  const errors = await Promise.all(failing.map((job) => job.finished().catch((error) => error.message)));
  checks.equal("failing", errors, Array(10).fill("never"));
  await waitFor(() => ranAll(["tick"], 3), "the repeated job");

  const limited = new Queue("limited", { redis, limiter: { max: 5, duration: 300 } });
  await Promise.all(names("limited", 20).map((name) => limited.add("add", { name, left: 1, right: 1 })));
  const begin = Date.now();
  run(limited, 10);
  await waitFor(() => ranAll(names("limited", 20), 1), "rate-limited jobs");
  checks.that("the rate limit holds", Date.now() - begin >= 850, Date.now() - begin);

  const stalling = new Queue("stalling", { redis, settings });
  const victim = startWorker(import.meta.url, "stalling");
  const killed = await stalling.add("slow", { name: "killed" });
  await waitFor(() => tally.sismember("check:begun", "killed"), "the slow job to begin");
  victim.kill("SIGKILL");
  run(stalling, 1);
  checks.equal("a killed worker's job", await killed.finished(), "done");

  for (const [what, jobs, times] of [
    ["immediate", names("add", 200), 1],
    ["in bulk", names("bulk", 100), 1],
    ["delayed", names("later", 20), 1],
    ["retried", names("flaky", 20), 3],
    ["failing", names("hopeless", 10), 2],
    ["unique", ["unique"], 1],
    ["repeated", ["tick"], 3],
    ["rate-limited", names("limited", 20), 1],
    ["killed in mid-job", ["killed"], 1],
  ]) {
    await checks.eachRan(what, jobs, times);
  }
  await checks.finish();
}

if (process.argv[2] === "stalling") run(new Queue("stalling", { redis, settings }), 1);
else await main();
