import java.util.List;
import java.util.Map;
import java.util.Objects;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.params.XReadGroupParams;

/** Jedis in the client matrix. */
public final class JedisClient {
    private static final int PORT = Integer.parseInt(System.getenv("PORT"));
    private static int passed;

    private static void equal(String what, Object found, Object expected) {
        if (!Objects.equals(found, expected)) {
            System.out.println("Jedis: " + what + ": found " + found);
            System.exit(1);
        }
        passed++;
    }

    private static void later(Runnable action) {
        Thread thread = new Thread(action);
        thread.setDaemon(true);
        thread.start();
    }

    public static void main(String[] words) throws Exception {
        Jedis client = new Jedis("127.0.0.1", PORT, 10_000);
        equal("ping", client.ping(), "PONG");
        Pipeline pipeline = client.pipelined();
        Response<Long> last = null;
        for (int n = 0; n < 100; n++) {
            last = pipeline.rpush("pipeline", String.valueOf(n));
        }
        pipeline.sync();
        equal("pipeline", last.get(), 100L);
        later(() -> {
            try (Jedis other = new Jedis("127.0.0.1", PORT)) {
                Thread.sleep(200);
                other.rpush("blocking", "job");
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        });
        equal("blocking pop", client.blpop(10, "blocking"), List.of("blocking", "job"));
        equal("time-out", client.brpop(1, "blocking"), null);
        Transaction transaction = client.multi();
        transaction.set("counter", "1");
        transaction.incr("counter");
        equal("transaction", transaction.exec(), List.of("OK", 2L));
        client.watch("counter");
        try (Jedis other = new Jedis("127.0.0.1", PORT)) {
            other.set("counter", "2");
        }
        transaction = client.multi();
        transaction.set("counter", "100");
        equal("watch", transaction.exec(), null);
        String script = "return {redis.call('GET', KEYS[1]), ARGV[1]}";
        equal("script", client.eval(script, 1, "counter", "x"), List.of("2", "x"));
        equal("script again", client.evalsha(client.scriptLoad(script), 1, "counter", "y"), List.of("2", "y"));
        client.xgroupCreate("stream", "group", new StreamEntryID("0-0"), true);
        StreamEntryID first = client.xadd("stream", StreamEntryID.NEW_ENTRY, Map.of("n", "0"));
        client.xadd("stream", StreamEntryID.NEW_ENTRY, Map.of("n", "1"));
        var read = client.xreadGroup("group", "consumer", new XReadGroupParams().count(10),
                Map.of("stream", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY));
        equal("stream group", read.get(0).getValue().size(), 2);
        equal("ack", client.xack("stream", "group", first), 1L);
        equal("pending", client.xpending("stream", "group").getTotal(), 1L);
        String[] heard = new String[1];
        later(() -> {
            try (Jedis other = new Jedis("127.0.0.1", PORT)) {
                while (other.publish("news", "hello") != 1) {
                    Thread.onSpinWait();
                }
            }
        });
        try (Jedis other = new Jedis("127.0.0.1", PORT)) {
            other.subscribe(new JedisPubSub() {
                @Override
                public void onMessage(String channel, String text) {
                    heard[0] = text;
                    unsubscribe();
                }
            }, "news");
        }
        equal("pub/sub", heard[0], "hello");
        client.hset("hash", Map.of("a", "1"));
        equal("hash", client.hgetAll("hash"), Map.of("a", "1"));
        client.zadd("ranks", 1.5, "a");
        equal("score", client.zscore("ranks", "a"), 1.5);
        System.out.println("restart");
        System.in.read();
        // A single connection does not come back by itself; Jedis' users take a new one.
        for (int attempt = 0; attempt < 100; attempt++) {
            try {
                client.ping();
                break;
            } catch (JedisConnectionException error) {
                client.close();
                Thread.sleep(50);
                client = new Jedis("127.0.0.1", PORT, 10_000);
            }
        }
        equal("data after the restart", List.of(client.get("counter"), client.llen("pipeline")), List.of("2", 100L));
        System.out.println("Jedis " + words[0] + ": " + passed + " checks passed");
        System.exit(0);
    }
}
