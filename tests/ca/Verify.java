// Prints, for each triple of PEM files (root, intermediates, leaf), "ok" or why JSSE refuses it.
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

public class Verify {
    static List<X509Certificate> read(String path) throws Exception {
        List<X509Certificate> found = new ArrayList<>();
        try (FileInputStream file = new FileInputStream(path)) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                found.add((X509Certificate) one);
            }
        }
        return found;
    }

    public static void main(String[] args) throws Exception {
        for (int at = 0; at + 2 < args.length; at += 3) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry("root", read(args[at]).get(0));
            TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
            factory.init(store);
            X509TrustManager manager = (X509TrustManager) factory.getTrustManagers()[0];
            List<X509Certificate> chain = read(args[at + 2]);
            chain.addAll(read(args[at + 1]));
            try {
                manager.checkServerTrusted(chain.toArray(new X509Certificate[0]), "ECDHE_ECDSA");
                System.out.println("ok");
            } catch (CertificateException error) {
                System.out.println("refused: " + error.getMessage());
            }
        }
    }
}
