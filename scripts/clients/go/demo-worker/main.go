// A worker of the demo in Go, by go-redis; see ../../demo/worker.py.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	ctx  = context.Background()
	name = os.Args[2]
	mode = os.Args[3]
)

type job struct {
	Path string `json:"path"`
}

func take(client *redis.Client) (string, error) {
	if mode == "blmove" {
		return client.BLMove(ctx, "jobs:blmove", "processing:"+name, "RIGHT", "LEFT", time.Second).Result()
	}
	popped, err := client.BRPop(ctx, time.Second, "jobs:brpop").Result()
	if err != nil {
		return "", err
	}
	return popped[1], nil
}

func work(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(data); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x %d", sha256.Sum256(data), packed.Len()), nil
}

func record(client *redis.Client, text, path, result string) error {
	_, err := client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, "results", path, result)
		pipe.HIncrBy(ctx, "runs:"+mode, path, 1)
		pipe.HIncrBy(ctx, "workers", name, 1)
		if mode == "blmove" {
			pipe.LRem(ctx, "processing:"+name, 1, text)
		}
		return nil
	})
	return err
}

func main() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Args[1], MaxRetries: -1})
	for {
		text, err := take(client)
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		var taken job
		if err := json.Unmarshal([]byte(text), &taken); err != nil {
			panic(err)
		}
		result, err := work(taken.Path)
		if err != nil {
			panic(err)
		}
		for record(client, text, taken.Path, result) != nil {
			time.Sleep(50 * time.Millisecond)
		}
	}
}
