import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Probe {
    public static void main(String[] args) throws Exception {
        URI url = URI.create(args[0]);
        HttpURLConnection old = (HttpURLConnection) url.toURL().openConnection();
        old.setConnectTimeout(20000);
        old.setReadTimeout(20000);
        old.getInputStream().readAllBytes();
        HttpClient client = HttpClient.newHttpClient();
        HttpResponse<String> answer = client.send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString());
        System.exit(answer.statusCode() == 200 ? 0 : 1);
    }
}
