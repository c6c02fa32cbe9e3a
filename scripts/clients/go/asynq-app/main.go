// Asynq: immediate, delayed, prioritised, retried, archived, unique, grouped, periodic tasks, results and a
// worker killed in mid-task.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const version = "0.26.0"

var (
	ctx     = context.Background()
	address = "127.0.0.1:" + os.Getenv("PORT")
	option  = asynq.RedisClientOpt{Addr: address}
	tally   = redis.NewClient(&redis.Options{Addr: address, DB: 9})
	passed  int
	failed  []string
)

func ran(job string) int64 { return tally.HIncrBy(ctx, "check:runs", job, 1).Val() }

func runs(job string) int {
	count, _ := strconv.Atoi(tally.HGet(ctx, "check:runs", job).Val())
	return count
}

func waitFor(what string, state func() bool) {
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if state() {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "waited in vain:", what)
}

func that(what string, holds bool, found any) {
	if holds {
		passed++
		return
	}
	failed = append(failed, fmt.Sprintf("%s (found %v)", what, found))
}

func eachRan(what string, jobs []string, times int) {
	wrong := map[string]int{}
	for _, job := range jobs {
		if count := runs(job); count != times {
			wrong[job] = count
		}
	}
	that(fmt.Sprintf("%s: each of %d ran %d time(s)", what, len(jobs), times), len(wrong) == 0, wrong)
}

func names(prefix string, count int) []string {
	all := make([]string, count)
	for n := range all {
		all[n] = fmt.Sprintf("%s-%d", prefix, n)
	}
	return all
}

// work runs tasks; the payload is the name of the job.
func work() *asynq.ServeMux {
	mux := asynq.NewServeMux()
	mux.HandleFunc("add", func(_ context.Context, task *asynq.Task) error {
		ran(string(task.Payload()))
		_, err := task.ResultWriter().Write([]byte("result of " + string(task.Payload())))
		return err
	})
	mux.HandleFunc("flaky", func(_ context.Context, task *asynq.Task) error {
		if ran(string(task.Payload())) <= 2 {
			return errors.New("not yet")
		}
		return nil
	})
	mux.HandleFunc("hopeless", func(_ context.Context, task *asynq.Task) error {
		ran(string(task.Payload()))
		return errors.New("never")
	})
	mux.HandleFunc("ordered", func(_ context.Context, task *asynq.Task) error {
		return tally.RPush(ctx, "check:order", string(task.Payload())).Err()
	})
	mux.HandleFunc("together", func(_ context.Context, task *asynq.Task) error {
		ran("group of " + string(task.Payload()))
		return nil
	})
	mux.HandleFunc("slow", func(context context.Context, task *asynq.Task) error {
		isFirst := tally.Incr(ctx, "check:slow").Val() == 1
		tally.SAdd(ctx, "check:begun", string(task.Payload()))
		if isFirst {
			<-context.Done()
			return context.Err()
		}
		ran(string(task.Payload()))
		return nil
	})
	return mux
}

func server(queues map[string]int, concurrency int) *asynq.Server {
	aggregate := func(_ string, tasks []*asynq.Task) *asynq.Task {
		return asynq.NewTask("together", []byte(strconv.Itoa(len(tasks))))
	}
	return asynq.NewServer(option, asynq.Config{
		Concurrency:              concurrency,
		Queues:                   queues,
		StrictPriority:           true,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return 200 * time.Millisecond },
		DelayedTaskCheckInterval: time.Second,
		TaskCheckInterval:        100 * time.Millisecond,
		GroupAggregator:          asynq.GroupAggregatorFunc(aggregate),
		GroupGracePeriod:         time.Second,
		GroupMaxSize:             10,
		LogLevel:                 asynq.FatalLevel,
	})
}

func start(server *asynq.Server) *asynq.Server {
	if err := server.Start(work()); err != nil {
		panic(err)
	}
	return server
}

func send(client *asynq.Client, kind string, jobs []string, options ...asynq.Option) []*asynq.TaskInfo {
	var sent []*asynq.TaskInfo
	for _, job := range jobs {
		info, err := client.Enqueue(asynq.NewTask(kind, []byte(job)), options...)
		if err != nil {
			panic(err)
		}
		sent = append(sent, info)
	}
	return sent
}

func state(inspector *asynq.Inspector, task *asynq.TaskInfo) asynq.TaskState {
	info, err := inspector.GetTaskInfo(task.Queue, task.ID)
	if err != nil {
		return 0
	}
	return info.State
}

func all(inspector *asynq.Inspector, tasks []*asynq.TaskInfo, wanted asynq.TaskState) func() bool {
	return func() bool {
		for _, task := range tasks {
			if state(inspector, task) != wanted {
				return false
			}
		}
		return true
	}
}

func main() {
	if len(os.Args) > 1 {
		start(server(map[string]int{"slow": 1}, 1))
		select {}
	}
	client, inspector := asynq.NewClient(option), asynq.NewInspector(option)
	keep := asynq.Retention(time.Hour)
	send(client, "ordered", names("low", 5), asynq.Queue("low"))
	send(client, "ordered", names("high", 5), asynq.Queue("high"))
	ranked := start(server(map[string]int{"high": 2, "low": 1}, 1))
	waitFor("prioritised tasks", func() bool { return tally.LLen(ctx, "check:order").Val() == 10 })
	order := tally.LRange(ctx, "check:order", 0, -1).Val()
	that("high priority goes first", fmt.Sprint(order) == fmt.Sprint(append(names("high", 5), names("low", 5)...)), order)
	ranked.Shutdown()

	main := start(server(map[string]int{"default": 1}, 10))
	immediate := send(client, "add", names("add", 300), keep)
	delayed := send(client, "add", names("later", 20), keep, asynq.ProcessIn(time.Second))
	retried := send(client, "flaky", names("flaky", 10), keep, asynq.MaxRetry(5))
	archived := send(client, "hopeless", names("hopeless", 10), keep, asynq.MaxRetry(1))
	refused := 0
	for range 5 {
		_, err := client.Enqueue(asynq.NewTask("add", []byte("unique")), asynq.Unique(time.Minute), asynq.ProcessIn(time.Second))
		if errors.Is(err, asynq.ErrDuplicateTask) {
			refused++
		}
	}
	that("unique tasks are refused", refused == 4, refused)
	_, err := client.Enqueue(asynq.NewTask("add", []byte("add-0")), asynq.TaskID(immediate[0].ID))
	that("a task id is taken once", errors.Is(err, asynq.ErrTaskIDConflict), err)
	send(client, "add", names("grouped", 20), asynq.Group("g"))
	scheduler := asynq.NewScheduler(option, &asynq.SchedulerOpts{LogLevel: asynq.FatalLevel})
	if _, err := scheduler.Register("@every 1s", asynq.NewTask("add", []byte("tick"))); err != nil {
		panic(err)
	}
	if err := scheduler.Start(); err != nil {
		panic(err)
	}
	waitFor("immediate tasks", all(inspector, immediate, asynq.TaskStateCompleted))
	waitFor("delayed tasks", all(inspector, delayed, asynq.TaskStateCompleted))
	waitFor("retried tasks", all(inspector, retried, asynq.TaskStateCompleted))
	waitFor("archived tasks", all(inspector, archived, asynq.TaskStateArchived))
	waitFor("groups", func() bool { return runs("group of 10") == 2 })
	waitFor("the periodic task", func() bool { return runs("tick") >= 2 })
	that("periodic", runs("tick") >= 2, runs("tick"))
	scheduler.Shutdown()
	info, err := inspector.GetTaskInfo("default", immediate[7].ID)
	that("results", err == nil && string(info.Result) == "result of add-7", info)
	that("archived tasks end so", all(inspector, archived, asynq.TaskStateArchived)(), nil)

	victim := exec.Command(os.Args[0], "slow")
	if err := victim.Start(); err != nil {
		panic(err)
	}
	killed := send(client, "slow", []string{"killed"}, keep, asynq.Queue("slow"), asynq.MaxRetry(3), asynq.Timeout(time.Hour))
	waitFor("the slow task to begin", func() bool { return tally.SIsMember(ctx, "check:begun", "killed").Val() })
	_ = victim.Process.Kill()
	_ = victim.Wait()
	rescuer := start(server(map[string]int{"slow": 1}, 1))
	// The lease of a killed worker ends after 30 seconds; the recoverer looks once a minute.
	for end := time.Now().Add(150 * time.Second); time.Now().Before(end) && !all(inspector, killed, asynq.TaskStateCompleted)(); {
		time.Sleep(100 * time.Millisecond)
	}
	that("a killed worker's task", all(inspector, killed, asynq.TaskStateCompleted)(), state(inspector, killed[0]))
	eachRan("immediate", names("add", 300), 1)
	eachRan("delayed", names("later", 20), 1)
	eachRan("retried", names("flaky", 10), 3)
	eachRan("archived", names("hopeless", 10), 2)
	eachRan("unique", []string{"unique"}, 1)
	eachRan("grouped", []string{"group of 10"}, 2)
	eachRan("killed in mid-task", []string{"killed"}, 1)
	main.Shutdown()
	rescuer.Shutdown()
	total := 0
	for _, count := range tally.HVals(ctx, "check:runs").Val() {
		n, _ := strconv.Atoi(count)
		total += n
	}
	for _, failure := range failed {
		fmt.Printf("FAILED Asynq %s: %s\n", version, failure)
	}
	fmt.Printf("Asynq %s: %d checks passed, %d failed, %d runs\n", version, passed, len(failed), total)
	if len(failed) > 0 {
		os.Exit(1)
	}
}
