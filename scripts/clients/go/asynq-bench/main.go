// Asynq: adds tasks that do nothing, then one server runs them.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

const concurrent = 50

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func perSecond(jobs int64, begin time.Time) float64 {
	return float64(jobs) / time.Since(begin).Seconds()
}

func add(option asynq.RedisClientOpt, jobs int64) float64 {
	client := asynq.NewClient(option)
	defer client.Close()
	payload := []byte(`{"file":"cat.jpg","width":640,"height":480}`)
	var left atomic.Int64
	var adders sync.WaitGroup
	left.Store(jobs)
	begin := time.Now()
	for range concurrent {
		adders.Add(1)
		go func() {
			defer adders.Done()
			for left.Add(-1) >= 0 {
				_, err := client.Enqueue(asynq.NewTask("resize", payload))
				check(err)
			}
		}()
	}
	adders.Wait()
	return perSecond(jobs, begin)
}

func process(option asynq.RedisClientOpt, jobs int64) float64 {
	server := asynq.NewServer(option, asynq.Config{Concurrency: concurrent, LogLevel: asynq.FatalLevel})
	var done atomic.Int64
	over := make(chan struct{})
	mux := asynq.NewServeMux()
	mux.HandleFunc("resize", func(context.Context, *asynq.Task) error {
		if done.Add(1) == jobs {
			close(over)
		}
		return nil
	})
	begin := time.Now()
	check(server.Start(mux))
	<-over
	rate := perSecond(jobs, begin)
	server.Shutdown()
	return rate
}

func main() {
	jobs, err := strconv.ParseInt(os.Getenv("JOBS"), 10, 64)
	check(err)
	option := asynq.RedisClientOpt{Addr: "127.0.0.1:" + os.Getenv("PORT"), PoolSize: concurrent}
	figures := map[string]float64{"add_per_second": add(option, jobs)}
	figures["process_per_second"] = process(option, jobs)
	line, err := json.Marshal(figures)
	check(err)
	fmt.Println(string(line))
}
