// go-redis in the client matrix.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/redis/go-redis/v9"
)

var passed int

func equal(what string, found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		fmt.Printf("go-redis: %s: found %v\n", what, found)
		os.Exit(1)
	}
	passed++
}

func main() {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Getenv("PORT")})
	equal("ping", client.Ping(ctx).Val(), "PONG")
	replies, err := client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for n := range 100 {
			pipe.RPush(ctx, "pipeline", n)
		}
		return nil
	})
	equal("pipeline", err, nil)
	equal("pipeline", replies[99].(*redis.IntCmd).Val(), int64(100))
	time.AfterFunc(200*time.Millisecond, func() { client.RPush(ctx, "blocking", "job") })
	equal("blocking pop", client.BLPop(ctx, 10*time.Second, "blocking").Val(), []string{"blocking", "job"})
	equal("time-out", client.BRPop(ctx, time.Second, "blocking").Err(), error(redis.Nil))
	_, err = client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "counter", 1, 0)
		pipe.Incr(ctx, "counter")
		return nil
	})
	equal("transaction", err, nil)
	err = client.Watch(ctx, func(tx *redis.Tx) error {
		client.Set(ctx, "counter", 2, 0)
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "counter", 100, 0)
			return nil
		})
		return err
	}, "counter")
	equal("watch", errors.Is(err, redis.TxFailedErr), true)
	script := redis.NewScript("return {redis.call('GET', KEYS[1]), ARGV[1]}")
	for _, word := range []string{"x", "y"} {
		equal("script", script.Run(ctx, client, []string{"counter"}, word).Val(), []any{"2", word})
	}
	equal("group", client.XGroupCreateMkStream(ctx, "stream", "group", "0").Err(), nil)
	var ids []string
	for n := range 3 {
		ids = append(ids, client.XAdd(ctx, &redis.XAddArgs{Stream: "stream", Values: []any{"n", n}}).Val())
	}
	read := client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "group", Consumer: "c", Streams: []string{"stream", ">"}})
	equal("stream group", len(read.Val()[0].Messages), 3)
	equal("ack", client.XAck(ctx, "stream", "group", ids[0]).Val(), int64(1))
	equal("pending", client.XPending(ctx, "stream", "group").Val().Count, int64(2))
	subscriber := client.Subscribe(ctx, "news")
	_, err = subscriber.Receive(ctx)
	equal("subscribe", err, nil)
	messages := subscriber.Channel()
	equal("publish", client.Publish(ctx, "news", "hello").Val(), int64(1))
	equal("pub/sub", (<-messages).Payload, "hello")
	client.HSet(ctx, "hash", "a", 1, "b", 2)
	equal("hash", client.HGetAll(ctx, "hash").Val(), map[string]string{"a": "1", "b": "2"})
	client.ZAdd(ctx, "ranks", redis.Z{Score: 1.5, Member: "a"})
	equal("score", client.ZScore(ctx, "ranks", "a").Val(), 1.5)

	fmt.Println("restart")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for range 100 {
		if client.Ping(ctx).Err() == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	equal("data after the restart", client.Get(ctx, "counter").Val(), "2")
	equal("data after the restart", client.LLen(ctx, "pipeline").Val(), int64(100))
	for client.Publish(ctx, "news", "again").Val() != 1 {
		time.Sleep(50 * time.Millisecond)
	}
	equal("subscribed again", (<-messages).Payload, "again")
	fmt.Printf("go-redis %s: %d checks passed\n", redis.Version(), passed)
}
