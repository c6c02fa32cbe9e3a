# Sidekiq: immediate, bulk, delayed, weighted, retried, dying and cancelled jobs, and a clean restart.
# The open-source Sidekiq pops with BRPOP: a killed worker's job is lost, so none is killed here; the
# process that is stopped in mid-job pushes its job back.
require "sidekiq"
require "sidekiq/api"

PORT = Integer(ENV.fetch("PORT"))
URL = "redis://127.0.0.1:#{PORT}/0"
TALLY = Redis.new(host: "127.0.0.1", port: PORT, db: 9)
Sidekiq.configure_client { |config| config.redis = { url: URL } }
Sidekiq.configure_server do |config|
  config.redis = { url: URL }
  config.average_scheduled_poll_interval = 1
end

def ran(job)
  TALLY.hincrby("check:runs", job, 1)
end

class Add
  include Sidekiq::Job
  def perform(name, left, right)
    TALLY.hset("check:results", name, left + right)
    ran(name)
  end
end

class Flaky
  include Sidekiq::Job
  sidekiq_options retry: 5
  sidekiq_retry_in { 1 }
  def perform(name, failures)
    raise "not yet" if ran(name) <= failures
  end
end

class Hopeless
  include Sidekiq::Job
  sidekiq_options retry: 1
  sidekiq_retry_in { 1 }
  sidekiq_retries_exhausted { |job, _| TALLY.sadd("check:dead", job["args"][0]) }
  def perform(name)
    ran(name)
    raise "never"
  end
end

class Slow
  include Sidekiq::Job
  sidekiq_options queue: "low"
  def perform(name)
    is_first = TALLY.incr("check:slow") == 1
    TALLY.sadd("check:begun", name)
    sleep 60 if is_first
    ran(name)
  end
end

# The rest is the application; the worker process stops reading here.
return if defined?(Sidekiq::CLI)

$passed = 0
$failed = []
def equal(what, found, expected)
  found == expected ? $passed += 1 : $failed << "#{what} (found #{found.inspect[0, 200]})"
end

def each_ran(what, jobs, times)
  counts = jobs.map { |job| TALLY.hget("check:runs", job).to_i }
  equal("#{what}: each of #{jobs.size} ran #{times} time(s)", counts.uniq, [times])
end

def wait_for(what, seconds = 90)
  stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  until yield
    return warn("waited in vain: #{what}") if Process.clock_gettime(Process::CLOCK_MONOTONIC) > stop
    sleep 0.05
  end
end

def names(prefix, count)
  (0...count).map { |n| "#{prefix}-#{n}" }
end

def start_worker
  log = ENV.fetch("WORKER_LOG", "/dev/null")
  sidekiq = Gem.bin_path("sidekiq", "sidekiq") rescue "/usr/bin/sidekiq"
  spawn("ruby", sidekiq, "-r", File.expand_path(__FILE__), "-c", "10", "-t", "2",
        "-q", "default,2", "-q", "low,1", out: [log, "a"], err: [log, "a"])
end

def stop_worker(pid)
  Process.kill("TERM", pid)
  Process.wait(pid)
end

worker = start_worker
begin
  names("add", 300).each_with_index { |name, n| Add.perform_async(name, n, n) }
  Add.perform_bulk(names("bulk", 200).map { |name| [name, 1, 1] })
  names("later", 20).each { |name| Add.perform_in(1, name, 1, 1) }
  names("flaky", 10).each { |name| Flaky.perform_async(name, 2) }
  names("hopeless", 10).each { |name| Hopeless.perform_async(name) }
  cancelled = Add.perform_in(3600, "cancelled", 1, 1)
  wait_for("the scheduled set") { Sidekiq::ScheduledSet.new.any? { |job| job.jid == cancelled } }
  Sidekiq::ScheduledSet.new.find_job(cancelled).delete
  Slow.perform_async("stopped")
  wait_for("the slow job to begin") { TALLY.sismember("check:begun", "stopped") }
  stop_worker(worker)
  equal("a stopped worker pushes its job back", Sidekiq::Queue.new("low").size, 1)
  worker = start_worker
  everything = names("add", 300) + names("bulk", 200) + names("later", 20) + ["stopped"]
  wait_for("all jobs") { everything.all? { |job| TALLY.hget("check:runs", job) } }
  wait_for("retries") { names("flaky", 10).all? { |job| TALLY.hget("check:runs", job).to_i == 3 } }
  wait_for("the dead") { Sidekiq::DeadSet.new.size == 10 }
  equal("dead jobs", Sidekiq::DeadSet.new.size, 10)
  equal("dead jobs were told of", TALLY.scard("check:dead"), 10)
  equal("results", names("add", 300).map { |name| TALLY.hget("check:results", name).to_i }, (0...300).map { |n| 2 * n })
  each_ran("immediate", names("add", 300), 1)
  each_ran("in bulk", names("bulk", 200), 1)
  each_ran("delayed", names("later", 20), 1)
  each_ran("retried", names("flaky", 10), 3)
  each_ran("dying", names("hopeless", 10), 2)
  each_ran("stopped in mid-job", ["stopped"], 1)
  each_ran("cancelled", ["cancelled"], 0)
  wait_for("the heartbeat") { Sidekiq::ProcessSet.new.size >= 1 }
  wait_for("statistics") { Sidekiq::Stats.new.processed >= 550 }
  equal("statistics count the failures", Sidekiq::Stats.new.failed >= 40, true)
ensure
  stop_worker(worker)
end
name = "Sidekiq #{Sidekiq::VERSION}"
$failed.each { |failure| puts "FAILED #{name}: #{failure}" }
runs = TALLY.hvals("check:runs").sum(&:to_i)
puts "#{name}: #{$passed} checks passed, #{$failed.size} failed, #{runs} runs"
exit($failed.empty? ? 0 : 1)
