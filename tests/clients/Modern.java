// java Modern.java BASE H2: HttpClient over both versions, and its WebSocket.
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

public class Modern {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        byte[] data = new byte[2_000_000];
        new java.util.Random(1).nextBytes(data);

        HttpRequest put = HttpRequest.newBuilder(URI.create(args[0] + "/sum"))
            .PUT(HttpRequest.BodyPublishers.ofByteArray(data)).build();
        String said = client.send(put, HttpResponse.BodyHandlers.ofString()).body().trim();
        if (!said.equals(data.length + " " + hex(data))) {
            throw new IllegalStateException(said);
        }

        HttpRequest post = HttpRequest.newBuilder(URI.create(args[1]))
            .POST(HttpRequest.BodyPublishers.ofByteArray(data)).build();
        HttpResponse<byte[]> echo = client.send(post, HttpResponse.BodyHandlers.ofByteArray());
        if (echo.version() != HttpClient.Version.HTTP_2 || !Arrays.equals(echo.body(), data)) {
            throw new IllegalStateException(echo.version() + " " + echo.body().length);
        }

        CompletableFuture<byte[]> got = new CompletableFuture<>();
        WebSocket socket = client.newWebSocketBuilder()
            .buildAsync(URI.create(args[0].replace("https:", "wss:") + "/ws"), new WebSocket.Listener() {
                private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

                @Override
                public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer piece, boolean last) {
                    byte[] some = new byte[piece.remaining()];
                    piece.get(some);
                    bytes.writeBytes(some);
                    if (last) {
                        got.complete(bytes.toByteArray());
                    }
                    socket.request(1);
                    return null;
                }
            }).get(20, TimeUnit.SECONDS);
        socket.sendBinary(ByteBuffer.wrap(data), true).get(20, TimeUnit.SECONDS);
        if (!Arrays.equals(got.get(20, TimeUnit.SECONDS), data)) {
            throw new IllegalStateException("other bytes");
        }
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(20, TimeUnit.SECONDS);
        System.out.println("ok");
        System.exit(0);
    }

    static String hex(byte[] data) throws Exception {
        StringBuilder text = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(data)) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }
}
