// java -Dhttps.proxyHost=.. -Dhttps.proxyPort=.. -Djavax.net.ssl.trustStore=.. Client.java URL
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.security.MessageDigest;

public class Client {
    public static void main(String[] args) throws Exception {
        byte[] data = new byte[3_000_000];
        new java.util.Random(1).nextBytes(data);
        HttpURLConnection put = (HttpURLConnection) new URL(args[0] + "/sum").openConnection();
        put.setRequestMethod("PUT");
        put.setDoOutput(true);
        put.setFixedLengthStreamingMode(data.length);
        try (OutputStream out = put.getOutputStream()) {
            out.write(data);
        }
        String said = new String(put.getInputStream().readAllBytes()).trim();
        if (!said.equals(data.length + " " + hex(data))) {
            throw new IllegalStateException(said);
        }
        try (InputStream in = new URL(args[0] + "/bytes/5000000").openStream()) {
            System.out.println(hex(in.readAllBytes()));
        }
    }

    static String hex(byte[] data) throws Exception {
        StringBuilder text = new StringBuilder();
        for (byte b : MessageDigest.getInstance("SHA-256").digest(data)) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }
}
