// Opens a trust store as Java itself would and prints how many certificates it trusts.
import java.io.File;
import java.security.KeyStore;
import java.util.Collections;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class Store {
    public static void main(String[] args) throws Exception {
        KeyStore store = KeyStore.getInstance(new File(args[0]), args[1].toCharArray());
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init((KeyStore) null);
        int trusted = 0;
        for (TrustManager manager : factory.getTrustManagers()) {
            trusted += ((X509TrustManager) manager).getAcceptedIssuers().length;
        }
        System.out.println(Collections.list(store.aliases()).size() + " " + trusted);
    }
}
