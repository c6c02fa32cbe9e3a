import io.lettuce.core.Consumer;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Lettuce in the client matrix. */
public final class LettuceClient {
    private static int passed;

    private static void equal(String what, Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            System.out.println("Lettuce: " + what + ": found " + found);
            System.exit(1);
        }
        passed++;
    }

    public static void main(String[] words) throws Exception {
        RedisClient redis = RedisClient.create("redis://127.0.0.1:" + System.getenv("PORT"));
        StatefulRedisConnection<String, String> connection = redis.connect();
        RedisCommands<String, String> client = connection.sync();
        RedisCommands<String, String> other = redis.connect().sync();
        equal("ping", client.ping(), "PONG");
        List<RedisFuture<Long>> pushes = new ArrayList<>();
        for (int n = 0; n < 100; n++) {
            pushes.add(connection.async().rpush("pipeline", String.valueOf(n)));
        }
        equal("pipeline", pushes.get(99).get(), 100L);
        Thread pusher = new Thread(() -> {
            try {
                Thread.sleep(200);
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
            other.rpush("blocking", "job");
        });
        pusher.start();
        equal("blocking pop", client.blpop(10, "blocking"), KeyValue.just("blocking", "job"));
        equal("time-out", client.brpop(0.05, "blocking"), null);
        client.multi();
        client.set("counter", "1");
        client.incr("counter");
        TransactionResult result = client.exec();
        equal("transaction", List.of(result.get(0), result.get(1)), List.of("OK", 2L));
        client.watch("counter");
        other.set("counter", "2");
        client.multi();
        client.set("counter", "100");
        equal("watch", client.exec().wasDiscarded(), true);
        String script = "return {redis.call('GET', KEYS[1]), ARGV[1]}";
        String[] keys = {"counter"};
        equal("script", client.eval(script, ScriptOutputType.MULTI, keys, "x"), List.of("2", "x"));
        String sha = client.scriptLoad(script);
        equal("script again", client.evalsha(sha, ScriptOutputType.MULTI, keys, "y"), List.of("2", "y"));
        client.xgroupCreate(StreamOffset.from("stream", "0"), "group", XGroupCreateArgs.Builder.mkstream());
        String first = client.xadd("stream", Map.of("n", "0"));
        client.xadd("stream", Map.of("n", "1"));
        var read = client.xreadgroup(Consumer.from("group", "consumer"), StreamOffset.lastConsumed("stream"));
        equal("stream group", read.size(), 2);
        equal("ack", client.xack("stream", "group", first), 1L);
        equal("pending", client.xpending("stream", "group").getCount(), 1L);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        StatefulRedisPubSubConnection<String, String> subscriber = redis.connectPubSub();
        subscriber.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String text) {
                heard.add(text);
            }
        });
        subscriber.sync().subscribe("news");
        equal("publish", other.publish("news", "hello"), 1L);
        equal("pub/sub", heard.take(), "hello");
        client.hset("hash", Map.of("a", "1"));
        equal("hash", client.hgetall("hash"), Map.of("a", "1"));
        client.zadd("ranks", 1.5, "a");
        equal("score", client.zscore("ranks", "a"), 1.5);
        System.out.println("restart");
        System.in.read();
        for (int attempt = 0; attempt < 100; attempt++) {
            try {
                client.ping();
                break;
            } catch (RedisException error) {
                Thread.sleep(50);
            }
        }
        equal("data after the restart", List.of(client.get("counter"), client.llen("pipeline")), List.of("2", 100L));
        while (other.publish("news", "again") != 1) {
            Thread.sleep(50);
        }
        equal("subscribed again", heard.take(), "again");
        System.out.println("Lettuce " + words[0] + ": " + passed + " checks passed");
        System.exit(0);
    }
}
