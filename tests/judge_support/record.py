#!/usr/bin/env python3
"""Records the handshakes of tests/judge_data over loopback: a relay between a real client and a real
server writes down who sent what, in order. Keys are made in a temporary directory and thrown away;
only public bytes are kept.

    tests/judge_support/record.py tests/judge_data

Needs openssl (3.0), curl, and optionally node and java. A transcript is one line an event, `C` or `S`
and hex; the lines of one file are one connection. `# good` or `# bad RULE KIND` in the first line says
what profile baseline makes of it.
"""
import os, select, shutil, socket, subprocess, sys, tempfile, threading, time

OUT = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp()
HOST = "server.outgate.test"
os.chdir(WORK)


def sh(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def key(name, *options):
    sh("openssl", "genpkey", "-out", name + ".key", *options)


def certificate(name, keyname, issuer=None, digest="sha256", days="36500", san=f"DNS:{HOST}", ca=False, extra=(), subject=None):
    usage = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n" if ca else "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n"
    with open("ext.cnf", "w") as f:
        f.write(usage + (f"subjectAltName={san}\n" if san and not ca else ""))
    sh("openssl", "req", "-new", "-key", keyname + ".key", "-subj", f"/O=outgate tests/CN={subject or name}", "-out", "req.pem", "-" + digest)
    sign = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-CAcreateserial"] if issuer else ["-signkey", keyname + ".key"]
    sh("openssl", "x509", "-req", "-in", "req.pem", *sign, "-days", days, "-extfile", "ext.cnf", "-" + digest, "-out", name + ".pem", *extra)
    sh("openssl", "x509", "-in", name + ".pem", "-outform", "DER", "-out", name + ".der")


def make_certificates():
    p256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    key("root", *p256)
    certificate("root", "root", ca=True)
    key("other-root", *p256)
    certificate("other-root", "other-root", ca=True)
    key("old-root", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    certificate("old-root", "old-root", ca=True, digest="sha1")
    for name, options in {
        "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "rsa1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
        "rsa2047": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2047"),
        "pss": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
        "p256": p256,
        "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
        "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
        "p224": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"),
        "k256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
        "ed25519": ("-algorithm", "ED25519"),
        "ed448": ("-algorithm", "ED448"),
    }.items():
        key(name, *options)
        certificate(name, name, "root")
    certificate("sha1", "rsa", "old-root", digest="sha1")
    certificate("under-old-root", "rsa", "old-root")
    certificate("wrong-name", "rsa", "root", san="DNS:other.outgate.test")
    certificate("untrusted", "rsa", "other-root")
    certificate("self-signed", "rsa")
    expired_certificate()
    certificate("client", "p256", "root")
    # Two certificates of some 45 KB: webpki, and so rustls, reads none beyond 64 KB.
    sans = ",".join(f"DNS:n{n:05}.{'x' * 50}.outgate.test" for n in range(600))
    certificate("huge", "rsa", "root", san=f"DNS:{HOST}," + sans)
    certificate("more", "rsa", "root", san=sans)
    with open("under-old-root-chain.pem", "w") as f:
        f.write(open("under-old-root.pem").read() + open("old-root.pem").read())


def expired_certificate():
    with open("ca.cnf", "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\norganizationName=optional\n")
    open("index.txt", "w").close()
    with open("serial", "w") as f:
        f.write("1000\n")
    with open("ext.cnf", "w") as f:
        f.write(f"basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:{HOST}\n")
    sh("openssl", "req", "-new", "-key", "rsa.key", "-subj", "/O=outgate tests/CN=expired", "-out", "req.pem")
    sh("openssl", "ca", "-batch", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key", "-in", "req.pem", "-out", "expired.pem", "-notext", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-extfile", "ext.cnf")
    sh("openssl", "x509", "-in", "expired.pem", "-outform", "DER", "-out", "expired.der")


class Relay(threading.Thread):
    def __init__(self, target):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = target
        self.connections = []

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            events = []
            self.connections.append(events)
            server = socket.create_connection(("127.0.0.1", self.target))
            pairs = {client: (server, "C"), server: (client, "S")}
            open_ends = set(pairs)
            while open_ends:
                for end in select.select(list(open_ends), [], [], 20)[0]:
                    peer, word = pairs[end]
                    try:
                        data = end.recv(65536)
                    except OSError:
                        data = b""
                    if not data:
                        open_ends.discard(end)
                        try:
                            peer.shutdown(socket.SHUT_WR)
                        except OSError:
                            pass
                        continue
                    events.append((word, data))
                    try:
                        peer.sendall(data)
                    except OSError:
                        open_ends.discard(end)
            client.close()
            server.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def serve(*options):
    port = free_port()
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            # Not a connection that s_server would count: only look whether it listens.
            if f"{port:04X}" in open("/proc/net/tcp").read():
                break
        except OSError:
            pass
        time.sleep(0.05)
    time.sleep(0.1)
    return port, server


def client(port, *options, stdin=b"Q\n", keep=0.6):
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST, "-CAfile", "root.pem", *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(keep)
    try:
        process.communicate(stdin, timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()


def save(name, events, verdict):
    with open(os.path.join(OUT, name + ".txt"), "w") as f:
        f.write(f"# {verdict}\n")
        for word, data in events:
            f.write(f"{word} {data.hex()}\n")
    print(name, verdict, sum(len(d) for _, d in events))


def record(name, server, clients, verdict="good"):
    """`clients`: the options of one s_client each, or functions of the relay's port."""
    port, process = serve(*server)
    relay = Relay(port)
    relay.start()
    for one in clients:
        if callable(one):
            one(relay.port)
        else:
            client(relay.port, *one)
        time.sleep(0.2)
    process.kill()
    relay.listener.close()
    events = relay.connections[-1] if relay.connections else []
    save(name, events, verdict)


def cert(name):
    keys = {"sha1": "rsa", "under-old-root": "rsa", "under-old-root-chain": "rsa", "wrong-name": "rsa", "untrusted": "rsa", "self-signed": "rsa", "expired": "rsa", "huge": "rsa"}
    own = ["-cert", name.replace("-chain", "") + ".pem", "-key", keys.get(name, name) + ".key"]
    chains = {"under-old-root-chain": "old-root.pem", "huge": "more.pem"}
    return own + (["-cert_chain", chains[name]] if name in chains else [])


T12, T13 = ["-tls1_2"], ["-tls1_3"]
LOW = ["-cipher", "ALL:COMPLEMENTOFDEFAULT:eNULL:aNULL:@SECLEVEL=0"]


def main():
    make_certificates()
    # TLS 1.2, good
    for name in ["rsa", "p256", "p384", "p521", "ed25519", "ed448", "pss", "huge"]:
        record(f"tls12-{name}", cert(name) + T12, [[]])
    suite = lambda name: T12 + ["-cipher", name + ":@SECLEVEL=0"]
    record("tls12-ecdhe-cbc", cert("rsa") + suite("ECDHE-RSA-AES128-SHA"), [[]])
    record("tls12-ecdhe-chacha", cert("rsa") + suite("ECDHE-RSA-CHACHA20-POLY1305"), [[]])
    record("tls12-dhe", cert("rsa") + suite("DHE-RSA-AES256-GCM-SHA384"), [[]])
    sh("openssl", "dhparam", "-dsaparam", "-out", "dh2048.pem", "2048")
    record("tls12-dhe-own-prime", cert("rsa") + suite("DHE-RSA-AES128-GCM-SHA256") + ["-dhparam", "dh2048.pem"], [[]])
    record("tls12-x448", cert("rsa") + T12 + ["-groups", "X448"], [["-groups", "X448:X25519"]])
    record("tls12-brainpool", cert("rsa") + T12 + ["-groups", "brainpoolP384r1"], [T12 + ["-groups", "brainpoolP384r1"]])
    record("tls12-ticket", cert("rsa") + T12, [["-sess_out", "t.pem"], ["-sess_in", "t.pem"]])
    record("tls12-session-id", cert("rsa") + T12 + ["-no_ticket"], [["-sess_out", "i.pem"], ["-sess_in", "i.pem"]])
    record("tls12-client-auth", cert("rsa") + T12 + ["-Verify", "1", "-CAfile", "root.pem"], [["-cert", "client.pem", "-key", "p256.key"]])
    record("tls12-client-auth-none", cert("rsa") + T12 + ["-verify", "1", "-CAfile", "root.pem"], [[]])
    record("tls12-under-old-root", cert("under-old-root-chain") + T12 + LOW, [["-CAfile", "old-root.pem"] + LOW])
    record("tls12-alpn", cert("rsa") + T12 + ["-alpn", "h2,http/1.1"], [["-alpn", "h2,http/1.1"]])
    # TLS 1.2, bad
    record("tls12-static-rsa", cert("rsa") + suite("AES128-GCM-SHA256"), [LOW], "bad weak-tls suite")
    record("tls12-anonymous", suite("ADH-AES128-GCM-SHA256") + ["-nocert"], [LOW + T12], "bad weak-tls suite")
    record("tls12-null", cert("rsa") + suite("ECDHE-RSA-NULL-SHA"), [LOW + T12], "bad weak-tls suite")
    record("tls12-dhe-cbc", cert("rsa") + suite("DHE-RSA-AES128-SHA"), [LOW + T12], "bad weak-tls suite")
    record("tls12-sha1", cert("rsa") + suite("ALL") + ["-sigalgs", "RSA+SHA1"], [LOW + T12 + ["-sigalgs", "RSA+SHA1:RSA+SHA256"]], "bad weak-tls signature")
    record("tls11", cert("rsa") + ["-tls1_1"] + LOW, [LOW], "bad weak-tls version")
    record("tls10", cert("rsa") + ["-tls1"] + LOW, [LOW], "bad weak-tls version")
    record("tls12-rsa1024", cert("rsa1024") + T12 + LOW, [LOW], "bad invalid-certificate weak-key")
    record("tls12-rsa2047", cert("rsa2047") + T12 + LOW, [LOW], "bad invalid-certificate weak-key")
    record("tls12-sha1-certificate", cert("sha1") + T12 + LOW, [LOW + ["-CAfile", "old-root.pem"]], "bad invalid-certificate weak-signature")
    record("tls12-expired", cert("expired") + T12, [[]], "bad invalid-certificate expired")
    record("tls12-untrusted", cert("untrusted") + T12, [[]], "bad invalid-certificate untrusted-issuer")
    record("tls12-self-signed", cert("self-signed") + T12, [[]], "bad invalid-certificate untrusted-issuer")
    record("tls12-wrong-name", cert("wrong-name") + T12, [[]], "bad invalid-certificate wrong-name")
    record("tls12-p224", cert("p224") + T12 + LOW + ["-named_curve", "P-224"], [LOW + ["-groups", "P-224:P-256"]], "bad invalid-certificate weak-key")
    # TLS 1.3
    for name in ["rsa", "p256", "ed25519", "ed448", "huge"]:
        record(f"tls13-{name}", cert(name) + T13, [[]])
    record("tls13-either", cert("rsa"), [[]])
    record("tls13-retry", cert("rsa") + T13 + ["-groups", "P-384"], [["-groups", "X25519:P-384"]])
    record("tls13-ffdhe", cert("rsa") + T13 + ["-groups", "ffdhe2048"], [["-groups", "ffdhe2048"]])
    record("tls13-ccm8", cert("rsa") + T13 + ["-ciphersuites", "TLS_AES_128_CCM_8_SHA256"], [["-ciphersuites", "TLS_AES_128_CCM_8_SHA256"]])
    record("tls13-resumed", cert("rsa") + T13, [["-sess_out", "s.pem"], ["-sess_in", "s.pem"]])
    record("tls13-resumed-retry", cert("rsa") + T13 + ["-groups", "P-384"], [["-sess_out", "r.pem"], ["-sess_in", "r.pem"]])
    with open("early.txt", "w") as f:
        f.write("GET / HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n")
    early = cert("rsa") + T13 + ["-early_data"]
    record("tls13-early", early, [["-sess_out", "e.pem"], ["-sess_in", "e.pem", "-early_data", "early.txt"]])
    record("tls13-early-rejected", cert("rsa") + T13 + ["-early_data", "-groups", "P-384"], [["-groups", "P-384", "-sess_out", "f.pem"], ["-groups", "X25519:P-384", "-sess_in", "f.pem", "-early_data", "early.txt"]])
    record("tls13-psk-only", cert("rsa") + T13 + ["-allow_no_dhe_kex"], [["-sess_out", "n.pem"], ["-sess_in", "n.pem", "-allow_no_dhe_kex", "-groups", "X25519"]])
    record("tls13-client-auth", cert("rsa") + T13 + ["-Verify", "1", "-CAfile", "root.pem"], [["-cert", "client.pem", "-key", "p256.key"]])
    # Ended by an alert: neither good nor bad.
    record("alert-no-suite", cert("rsa") + suite("ECDHE-RSA-AES128-GCM-SHA256"), [T12 + ["-cipher", "ECDHE-RSA-AES256-GCM-SHA384"]], "closed handshake_failure")
    record("alert-client-untrusted", cert("untrusted") + T13, [["-verify_return_error"]], "closed unknown_ca")
    record("alert-version", cert("rsa") + T13, [T12], "closed protocol_version")
    # Other clients
    curl = lambda *options: lambda port: subprocess.run(["curl", "-s", "-m", "5", "--cacert", "root.pem", "--resolve", f"{HOST}:{port}:127.0.0.1", f"https://{HOST}:{port}/", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    www = ["-www"]
    record("curl-tls13", cert("rsa") + www, [curl()])
    record("curl-tls12", cert("rsa") + www, [curl("--tls-max", "1.2")])
    python = lambda port: subprocess.run([sys.executable, "-c", f"import ssl,socket;c=ssl.create_default_context(cafile='root.pem');s=c.wrap_socket(socket.create_connection(('127.0.0.1',{port})),server_hostname='{HOST}');s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');s.recv(100);s.close()"])
    record("python", cert("rsa") + www, [python])
    if shutil.which("node"):
        node = lambda *o: lambda port: subprocess.run(["node", *o, "-e", f"require('https').get({{host:'127.0.0.1',port:{port},servername:'{HOST}',ca:require('fs').readFileSync('root.pem')}},r=>r.resume())"], timeout=20)
        record("node", cert("rsa") + www, [node()])
        record("node-tls12", cert("p256") + www, [node("--tls-max-v1.2")])
    if shutil.which("java"):
        with open("T.java", "w") as f:
            f.write("""import javax.net.ssl.*;import java.io.*;import java.security.*;import java.security.cert.*;
public class T{public static void main(String[] a)throws Exception{KeyStore k=KeyStore.getInstance("PKCS12");k.load(null,null);
k.setCertificateEntry("r",CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream("root.pem")));
TrustManagerFactory t=TrustManagerFactory.getInstance("PKIX");t.init(k);SSLContext c=SSLContext.getInstance("TLS");c.init(null,t.getTrustManagers(),null);
SSLSocket s=(SSLSocket)c.getSocketFactory().createSocket(new java.net.Socket("127.0.0.1",Integer.parseInt(a[0])),"%s",Integer.parseInt(a[0]),true);
if(a.length>1)s.setEnabledProtocols(new String[]{a[1]});s.startHandshake();s.getOutputStream().write("GET / HTTP/1.0\\r\\n\\r\\n".getBytes());s.getInputStream().read();s.close();}}""" % HOST)
        java = lambda *o: lambda port: subprocess.run(["java", "T.java", str(port), *o], timeout=60)
        record("java", cert("rsa") + www, [java()])
        record("java-tls12", cert("p256") + www, [java("TLSv1.2")])
    for name in ["root", "old-root", "rsa", "rsa1024", "rsa2047", "pss", "p256", "p384", "p521", "p224", "k256", "ed25519", "ed448", "sha1", "under-old-root", "expired"]:
        shutil.copy(name + ".der", os.path.join(OUT, name + ".der"))
    shutil.rmtree(WORK)


main()
