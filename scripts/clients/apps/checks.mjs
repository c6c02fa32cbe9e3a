// What the Node applications share: counting runs, waiting for a state, and the verdict; see checks.py.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Redis from "ioredis";

export const port = Number(process.env.PORT);
export const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
export const tally = new Redis({ port, db: 9 });
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const names = (prefix, count) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

/** Counts a run of a job; returns how many there were. */
export const ran = (job) => tally.hincrby("check:runs", job, 1);

/** Waits until `state()` holds; returns whether it came about. */
export async function waitFor(state, what, seconds = 90) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await state()) return true;
    await sleep(50);
  }
  console.error(`waited in vain: ${what}`);
  return false;
}

export const ranAll = async (jobs, times) =>
  (await tally.hmget("check:runs", ...jobs)).every((count) => Number(count) >= times);

export class Checks {
  constructor(library, version) {
    this.name = `${library} ${version}`;
    this.passed = 0;
    this.failed = [];
  }

  that(what, holds, found) {
    if (holds) this.passed += 1;
    else this.failed.push(`${what} (found ${JSON.stringify(found)})`);
  }

  equal(what, found, expected) {
    this.that(what, JSON.stringify(found) === JSON.stringify(expected), found);
  }

  /** Each of these jobs ran just so often, or up to `most` times where at least once is promised. */
  async eachRan(what, jobs, times, most = times) {
    const counts = (await tally.hmget("check:runs", ...jobs)).map(Number);
    const wrong = jobs.map((job, n) => [job, counts[n]]).filter(([, n]) => n < times || n > most);
    this.that(`${what}: each of ${jobs.length} ran ${times} time(s)`, wrong.length === 0, wrong.slice(0, 5));
  }

  async finish() {
    const runs = (await tally.hvals("check:runs")).reduce((sum, count) => sum + Number(count), 0);
    for (const failure of this.failed) console.log(`FAILED ${this.name}: ${failure}`);
    console.log(`${this.name}: ${this.passed} checks passed, ${this.failed.length} failed, ${runs} runs`);
    process.exit(this.failed.length ? 1 : 0);
  }
}

/** Starts the application again as a worker process, with a word that says which. */
export function startWorker(url, word) {
  const log = openSync(process.env.WORKER_LOG ?? "/dev/null", "a");
  const child = spawn(process.execPath, [fileURLToPath(url), word], { stdio: ["ignore", log, log] });
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}
