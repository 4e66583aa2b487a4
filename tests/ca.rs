//! The authority for interception: what `outgate ca` makes, and what clients make of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use outgate::edge::ca::{Bundle, CaError, Issuer, LeafBounds, LeafError, Leaves};
use outgate::model::Host;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use serde_json::Value;
use support::outgate;

/// A folder for authorities and what they sign.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> House {
        House {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// `outgate ca COMMAND` on the authority in `name`.
    fn ca(&self, name: &str, args: &[&str]) -> Output {
        outgate()
            .arg("ca")
            .args(args)
            .args(["--ca-dir", &self.text(name)])
            .output()
            .unwrap()
    }

    /// Makes an authority for these `intercept.hosts`.
    fn init(&self, name: &str, hosts: &str) -> Issuer {
        let settings = self.path("outgate.toml");
        std::fs::write(&settings, format!("[intercept]\nhosts = {hosts}\n")).unwrap();
        let made = self.ca(name, &["init", "--config", &settings.display().to_string()]);
        assert!(made.status.success(), "{made:?}");
        Issuer::load(&self.path(name)).unwrap()
    }
}

fn run(program: &str, args: &[&str]) -> Output {
    let ran = Command::new(program).args(args).output();
    ran.unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn openssl(args: &[&str]) {
    let ran = run("openssl", args);
    assert!(ran.status.success(), "{args:?}: {ran:?}");
}

fn has(program: &str) -> bool {
    let there = Command::new(program).arg("-h").output().is_ok();
    if !there {
        eprintln!("skipped: there is no {program} here");
    }
    there
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// A certificate, and whether clients are to accept it.
struct Case {
    root: String,
    intermediate: String,
    leaf: String,
    host: &'static str,
    accepted: bool,
}

/// Leaves inside and outside the constraints of three authorities.
fn cases(house: &House) -> Vec<Case> {
    type Authority = (
        &'static str,
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );
    let authorities: [Authority; 4] = [
        (
            "mixed",
            r#"["*.inside.example", "exact.example", "192.0.2.0/24"]"#,
            &[
                "a.inside.example",
                "b.a.inside.example",
                "exact.example",
                "192.0.2.7",
            ],
            &[
                "outside.example",
                "notinside.example",
                "192.0.3.7",
                "2001:db8::1",
                "127.0.0.1",
            ],
        ),
        (
            "names",
            r#"["*.inside.example"]"#,
            &["a.inside.example"],
            &["example", "192.0.2.7", "2001:db8::1"],
        ),
        (
            "addresses",
            r#"["2001:db8::/32"]"#,
            &["2001:db8::1"],
            &["2001:db9::1", "192.0.2.7", "a.inside.example", "localhost"],
        ),
        (
            "aws",
            r#""aws""#,
            &[
                "s3.us-east-1.amazonaws.com",
                "sts.cn-north-1.amazonaws.com.cn",
                "x.lambda-url.us-east-1.on.aws",
            ],
            &[
                "amazonaws.com.evil.example",
                "evilamazonaws.com",
                "192.0.2.7",
            ],
        ),
    ];
    let mut cases = Vec::new();
    for (name, hosts, inside, outside) in authorities {
        let issuer = house.init(name, hosts);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut valid = issuer.valid();
        valid.until = now() + 3600;
        let all = inside.iter().map(|host| (host, true));
        for (host, accepted) in all.chain(outside.iter().map(|host| (host, false))) {
            let der = issuer
                .sign(&Host::parse(host).unwrap(), &key, valid)
                .unwrap();
            let leaf = house.path(&format!("{name}-{}.pem", host.replace(':', "_")));
            let mut bundle = Bundle::default();
            bundle.add([der]);
            std::fs::write(&leaf, bundle.pem()).unwrap();
            cases.push(Case {
                root: house.text(&format!("{name}/ca.pem")),
                intermediate: house.text(&format!("{name}/intermediate.pem")),
                leaf: leaf.display().to_string(),
                host,
                accepted,
            });
        }
    }
    cases
}

fn verified_by_rustls(
    root: &CertificateDer<'_>,
    intermediate: CertificateDer<'_>,
    leaf: &CertificateDer<'_>,
) -> Result<(), webpki::Error> {
    let anchors = [webpki::anchor_from_trusted_cert(root)?];
    let between = [intermediate];
    let leaf = webpki::EndEntityCert::try_from(leaf)?;
    let path = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &between,
        UnixTime::since_unix_epoch(Duration::from_secs(now())),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    );
    path.map(|_| ())
}

#[test]
fn rustls_and_openssl_refuse_what_is_outside_the_constraints() {
    let house = House::new();
    for case in cases(&house) {
        let read = |path: &str| CertificateDer::from_pem_file(path).unwrap();
        let (root, intermediate, leaf) =
            (read(&case.root), read(&case.intermediate), read(&case.leaf));
        match verified_by_rustls(&root, intermediate, &leaf) {
            Ok(()) => assert!(case.accepted, "{} {}", case.leaf, case.host),
            Err(error) => {
                assert!(!case.accepted, "{}: {error}", case.leaf);
                assert_eq!(error, webpki::Error::NameConstraintViolation);
            }
        }

        let flag = if case.host.parse::<std::net::IpAddr>().is_ok() {
            "-verify_ip"
        } else {
            "-verify_hostname"
        };
        let args = [
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            flag,
            case.host,
            "-CAfile",
            &case.root,
            "-no-CApath",
            "-untrusted",
            &case.intermediate,
            &case.leaf,
        ];
        let said = run("openssl", &args);
        assert_eq!(
            said.status.success(),
            case.accepted,
            "{}: {said:?}",
            case.leaf
        );
        if !case.accepted {
            assert!(stderr(&said).contains("subtree violation"), "{said:?}");
        }
    }
}

/// What a program says of each case, a line each.
fn judged_by(program: &mut Command, cases: &[Case], refusal: &str) {
    for case in cases {
        program.args([&case.root, &case.intermediate, &case.leaf]);
    }
    let said = program.output().unwrap();
    let text = stdout(&said);
    assert_eq!(text.lines().count(), cases.len(), "{said:?}");
    for (line, case) in text.lines().zip(cases) {
        assert_eq!(line == "ok", case.accepted, "{}: {line}", case.leaf);
        let reason = case.accepted || line.to_lowercase().contains(refusal);
        assert!(reason, "{}: {line}", case.leaf);
    }
}

#[test]
fn go_refuses_what_is_outside_the_constraints() {
    if !has("go") {
        return;
    }
    let house = House::new();
    let cases = cases(&house);
    let mut go = Command::new("go");
    go.args([
        "run",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ca/verify.go"),
    ]);
    go.env("GOFLAGS", "-mod=mod")
        .env("GOCACHE", house.path("go-cache"));
    judged_by(&mut go, &cases, "constraint");
}

#[test]
fn java_refuses_what_is_outside_the_constraints() {
    if !has("java") {
        return;
    }
    let house = House::new();
    let cases = cases(&house);
    let mut java = Command::new("java");
    java.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ca/Verify.java"));
    judged_by(&mut java, &cases, "constraint");
}

#[test]
fn the_authority_of_one_run_is_as_strict_verifiers_want_it() {
    let house = House::new();
    let leaves = Leaves::new(Issuer::ephemeral().unwrap(), LeafBounds::default()).unwrap();
    let root = house.text("root.pem");
    std::fs::write(&root, leaves.issuer().root_pem()).unwrap();
    for (host, flag) in [
        ("a.example", "-verify_hostname"),
        ("2001:db8::1", "-verify_ip"),
    ] {
        let leaf = leaves.leaf(&Host::parse(host).unwrap(), None).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(leaf.cert.clone());
        let path = house.text("leaf.pem");
        std::fs::write(&path, bundle.pem()).unwrap();
        openssl(&[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            flag,
            host,
            "-CAfile",
            &root,
            "-no-CApath",
            &path,
        ]);
    }
}

#[test]
fn leaves_outside_are_not_minted() {
    let house = House::new();
    let issuer = house.init("ca", r#"["*.inside.example"]"#);
    let leaves = Leaves::new(issuer, LeafBounds::default()).unwrap();
    let ask = |host: &str| leaves.leaf(&Host::parse(host).unwrap(), None);
    assert_eq!(ask("a.inside.example").unwrap().cert.len(), 2);
    let refused = ask("outside.example").unwrap_err();
    assert!(matches!(refused, LeafError::Outside(_)));
}

#[test]
fn what_init_makes_is_kept_from_others_and_never_overwritten() {
    let house = House::new();
    house.init("ca", r#"["a.example"]"#);
    let mode = |name: &str| house.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("ca"), 0o700);
    assert_eq!(mode("ca/intermediate.key"), 0o600);
    assert_eq!(mode("ca/ca.pem"), 0o644);
    let files: Vec<_> = std::fs::read_dir(house.path("ca")).unwrap().collect();
    assert_eq!(files.len(), 3, "{files:?}");

    let before = std::fs::read(house.path("ca/intermediate.key")).unwrap();
    for missing in ["", "ca.pem", "intermediate.pem"] {
        if !missing.is_empty() {
            std::fs::remove_file(house.path("ca").join(missing)).unwrap();
        }
        let again = house.ca("ca", &["init"]);
        assert_eq!(again.status.code(), Some(2));
        assert!(stderr(&again).contains("is there already"), "{again:?}");
    }
    let after = std::fs::read(house.path("ca/intermediate.key")).unwrap();
    assert_eq!(before, after);
    assert!(!house.path("ca/ca.pem").exists(), "nothing is added either");
}

#[test]
fn half_an_authority_is_none() {
    let house = House::new();
    house.init("whole", r#""all""#);
    let order = ["intermediate.key", "intermediate.pem", "ca.pem"];
    let copy = |to: &str, name: &str, keep: f64| {
        let from = house.path("whole").join(name);
        let bytes = std::fs::read(&from).unwrap();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few hundred bytes"
        )]
        let cut = (bytes.len() as f64 * keep) as usize;
        let to = house.path(to).join(name);
        std::fs::write(&to, &bytes[..cut]).unwrap();
        std::fs::set_permissions(&to, from.metadata().unwrap().permissions()).unwrap();
    };
    for stop in 0..order.len() {
        for (turn, keep) in [0.0, 0.5, 0.98].into_iter().enumerate() {
            let name = format!("crashed-{stop}-{turn}");
            std::fs::create_dir(house.path(&name)).unwrap();
            for whole in &order[..stop] {
                copy(&name, whole, 1.0);
            }
            copy(&name, order[stop], keep);
            let error = Issuer::load(&house.path(&name)).unwrap_err();
            assert!(
                matches!(error, CaError::Part { .. } | CaError::NoCertificate(_)),
                "{name}: {error}"
            );
        }
    }
    std::fs::create_dir(house.path("no-intermediate")).unwrap();
    copy("no-intermediate", "intermediate.key", 1.0);
    copy("no-intermediate", "ca.pem", 1.0);
    let error = Issuer::load(&house.path("no-intermediate")).unwrap_err();
    assert!(
        error.to_string().contains("intermediate.pem is missing"),
        "{error}"
    );

    std::fs::create_dir(house.path("mixed")).unwrap();
    house.init("other", r#""all""#);
    for name in order {
        copy("mixed", name, 1.0);
    }
    Issuer::load(&house.path("mixed")).unwrap();
    std::fs::copy(house.path("other/ca.pem"), house.path("mixed/ca.pem")).unwrap();
    let error = Issuer::load(&house.path("mixed")).unwrap_err();
    assert!(matches!(error, CaError::Chain { .. }), "{error}");
}

/// Makes an authority with openssl, as `subject`; `-x509` options follow.
fn elsewhere(
    house: &House,
    name: &str,
    key: &[&str],
    subject: &str,
    extensions: &[&str],
) -> PathBuf {
    let dir = house.path(name);
    std::fs::create_dir(&dir).unwrap();
    let key_path = dir.join("ca.key").display().to_string();
    let cert_path = dir.join("ca.pem").display().to_string();
    let out = ["-out", &key_path];
    let args: Vec<&str> = [&key[..1], &out, &key[1..]].concat();
    openssl(&args);
    let mut args = vec![
        "req", "-new", "-x509", "-key", &key_path, "-out", &cert_path,
    ];
    args.extend(["-subj", subject]);
    for extension in extensions {
        args.extend(["-addext", extension]);
    }
    args.extend(["-days", "30"]);
    openssl(&args);
    std::fs::set_permissions(&key_path, std::fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

const SEC1: [&str; 5] = ["ecparam", "-name", "prime256v1", "-genkey", "-noout"];

#[test]
fn authorities_made_elsewhere_work_as_well() {
    let house = House::new();
    let usage = ["keyUsage=critical,keyCertSign"];
    let p384 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
    ];
    let rsa = ["genrsa", "-traditional", "2048"];
    // rcgen alone would lose a domain component, and join what stands in one set.
    for (name, key, subject) in [
        ("sec1", &SEC1[..], "/CN=Example CA"),
        ("pkcs8", &p384, "/DC=com/DC=example/CN=Example CA"),
        ("pkcs1", &rsa, "/C=XX/O=Example Ltd/OU=One+CN=Example CA"),
    ] {
        let dir = elsewhere(&house, name, key, subject, &usage);
        let issuer = Issuer::load(&dir).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(issuer.constraints().is_unlimited());
        let root = dir.join("ca.pem").display().to_string();
        let leaves = Leaves::new(issuer, LeafBounds::default()).unwrap();
        let leaf = leaves
            .leaf(&Host::parse("a.example").unwrap(), None)
            .unwrap();
        assert_eq!(leaf.cert.len(), 1);
        let path = house.text(&format!("{name}.pem"));
        let mut bundle = Bundle::default();
        bundle.add(leaf.cert.clone());
        std::fs::write(&path, bundle.pem()).unwrap();
        openssl(&[
            "verify",
            "-x509_strict",
            "-CAfile",
            &root,
            "-no-CApath",
            "-verify_hostname",
            "a.example",
            &path,
        ]);
        let shown = house.ca(name, &["show", "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["intermediate"], Value::Null);
        assert_eq!(shown["error"], Value::Null);
    }
}

#[test]
fn an_intermediate_made_elsewhere_is_sent_and_its_root_is_trusted() {
    let house = House::new();
    let authority = |name: &str| {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params
    };
    let root_key = rcgen::KeyPair::generate().unwrap();
    let root_params = authority("Example root");
    let root = root_params.self_signed(&root_key).unwrap();
    let root_issuer = rcgen::Issuer::from_params(&root_params, &root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let intermediate = authority("Example intermediate").signed_by(&key, &root_issuer);
    let intermediate = intermediate.unwrap();

    let dir = house.path("elsewhere");
    std::fs::create_dir(&dir).unwrap();
    let key_path = dir.join("ca.key");
    std::fs::write(&key_path, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key_path, std::fs::Permissions::from_mode(0o600)).unwrap();
    for files in [
        [root.pem(), intermediate.pem()],
        [intermediate.pem(), root.pem()],
    ] {
        std::fs::write(dir.join("ca.pem"), files.concat()).unwrap();
        let issuer = Issuer::load(&dir).unwrap();
        assert_eq!(issuer.root_der(), root.der());
        let leaves = Leaves::new(issuer, LeafBounds::default()).unwrap();
        let host = Host::parse("a.example").unwrap();
        let leaf = leaves.leaf(&host, None).unwrap();
        assert_eq!(leaf.cert.len(), 2);
        let verified = verified_by_rustls(root.der(), leaf.cert[1].clone(), &leaf.cert[0]);
        assert_eq!(verified, Ok(()));
    }
    // Alone, it is what clients trust itself.
    std::fs::write(dir.join("ca.pem"), intermediate.pem()).unwrap();
    let issuer = Issuer::load(&dir).unwrap();
    assert_eq!(issuer.root_der(), intermediate.der());
}

#[test]
fn an_authority_that_clients_would_refuse_is_refused_first() {
    let house = House::new();
    let subject = "/CN=Example CA";
    let usage = "keyUsage=critical,keyCertSign";
    let said = |dir: &Path| Issuer::load(dir).unwrap_err().to_string();

    let dir = elsewhere(
        &house,
        "no-ca",
        &SEC1,
        subject,
        &["basicConstraints=critical,CA:FALSE"],
    );
    assert!(said(&dir).contains("do not say CA"), "{}", said(&dir));
    let dir = elsewhere(
        &house,
        "no-signing",
        &SEC1,
        subject,
        &["keyUsage=critical,digitalSignature"],
    );
    assert!(said(&dir).contains("keyCertSign"), "{}", said(&dir));

    let dir = elsewhere(&house, "other-key", &SEC1, subject, &[usage]);
    let other = elsewhere(&house, "other", &SEC1, subject, &[usage]);
    std::fs::copy(other.join("ca.key"), dir.join("ca.key")).unwrap();
    assert!(
        said(&dir).contains("is of another certificate"),
        "{}",
        said(&dir)
    );

    let dir = elsewhere(&house, "open", &SEC1, subject, &[usage]);
    let key = dir.join("ca.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mend = format!("chmod 600 {}", key.display());
    assert!(said(&dir).ends_with(&mend), "{}", said(&dir));
    carry_out(&mend);
    Issuer::load(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mend = format!("chmod go-w {}", dir.display());
    assert!(said(&dir).ends_with(&mend), "{}", said(&dir));
    carry_out(&mend);
    Issuer::load(&dir).unwrap();

    std::fs::remove_file(&key).unwrap();
    assert!(said(&dir).contains("is missing beside"), "{}", said(&dir));
    let missing = said(&house.path("nowhere"));
    assert!(missing.contains("outgate ca init"), "{missing}");

    let dir = elsewhere(&house, "locked", &SEC1, subject, &[usage]);
    let (plain, locked) = (dir.join("ca.key"), dir.join("locked.key"));
    openssl(&[
        "pkcs8",
        "-topk8",
        "-passout",
        "pass:x",
        "-in",
        &plain.display().to_string(),
        "-out",
        &locked.display().to_string(),
    ]);
    std::fs::rename(locked, &plain).unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(said(&dir).contains("without a password"), "{}", said(&dir));
}

/// Runs the command that a message gave.
fn carry_out(command: &str) {
    let ran = run("sh", &["-c", command]);
    assert!(ran.status.success(), "{command}: {ran:?}");
}

#[test]
fn show_tells_a_person_and_a_program() {
    let house = House::new();
    house.init("ca", r#"["*.inside.example", "192.0.2.0/24"]"#);
    let shown = house.ca("ca", &["show", "--json"]);
    assert_eq!(shown.status.code(), Some(0));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        shown["constraints"]["permitted_names"],
        serde_json::json!(["inside.example"])
    );
    assert_eq!(
        shown["constraints"]["permitted_networks"][0],
        "192.0.2.0/24"
    );
    assert_eq!(shown["key"], "ECDSA P-256");
    assert!(matches!(shown["days_left"].as_i64(), Some(729 | 730)));
    let root = house.text("ca/ca.pem");
    let said = run(
        "openssl",
        &["x509", "-in", &root, "-noout", "-fingerprint", "-sha256"],
    );
    let print = stdout(&said).trim().split('=').nth(1).unwrap().to_owned();
    assert_eq!(shown["sha256"], print.replace(':', "").to_lowercase());

    let text = stdout(&house.ca("ca", &["show"]));
    for part in [
        print.as_str(),
        "inside.example",
        "192.0.2.0/24",
        " days left)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let key = house.path("ca/intermediate.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let shown = house.ca("ca", &["show"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(stdout(&shown).contains("chmod 600"), "{shown:?}");
    let absent = house.ca("nowhere", &["show"]);
    assert_eq!(absent.status.code(), Some(2));
}

#[test]
fn exports_are_read_by_others() {
    let house = House::new();
    house.init("ca", r#""all""#);
    let pem = std::fs::read(house.path("ca/ca.pem")).unwrap();
    assert_eq!(house.ca("ca", &["export"]).stdout, pem);
    let der = house.ca("ca", &["export", "--format", "der"]).stdout;
    assert_eq!(
        CertificateDer::from(der),
        CertificateDer::from_pem_slice(&pem).unwrap()
    );

    let bundle = house.text("bundle.pem");
    assert!(
        house
            .ca("ca", &["bundle", "--output", &bundle])
            .status
            .success()
    );
    let all: Vec<_> = CertificateDer::pem_file_iter(&bundle).unwrap().collect();
    assert!(all.len() > 50);
    assert_eq!(
        stdout(&house.ca("ca", &["bundle"])),
        std::fs::read_to_string(&bundle).unwrap()
    );
    openssl(&[
        "verify",
        "-CAfile",
        &bundle,
        "-no-CApath",
        &house.text("ca/intermediate.pem"),
    ]);

    let store = house.text("store.p12");
    std::fs::write(house.path("password"), "correct horse\nnot this\n").unwrap();
    let args = [
        "export",
        "--format",
        "p12",
        "--output",
        &store,
        "--password-file",
        &house.text("password"),
    ];
    let made = house.ca("ca", &args);
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    let said = run(
        "openssl",
        &[
            "pkcs12",
            "-in",
            &store,
            "-passin",
            "pass:correct horse",
            "-nokeys",
        ],
    );
    assert!(stdout(&said).contains("BEGIN CERTIFICATE"), "{said:?}");
    if has("keytool") {
        let said = run(
            "keytool",
            &["-list", "-keystore", &store, "-storepass", "correct horse"],
        );
        assert!(stdout(&said).contains("trustedCertEntry"), "{said:?}");
    }
    let empty = house.text("empty");
    std::fs::write(&empty, "\n").unwrap();
    let refused = house.ca(
        "ca",
        &["export", "--format", "p12", "--password-file", &empty],
    );
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn java_trusts_what_is_in_the_store() {
    if !has("java") {
        return;
    }
    let house = House::new();
    house.init("ca", r#""all""#);
    let pem = house.text("bundle.pem");
    assert!(
        house
            .ca("ca", &["bundle", "--output", &pem])
            .status
            .success()
    );
    let mut bundle = Bundle::default();
    let all = || {
        CertificateDer::pem_file_iter(&pem)
            .unwrap()
            .map(Result::unwrap)
    };
    bundle.add(all());
    bundle.add(all());
    let count = all().count();
    assert_eq!(bundle.len(), count, "each once");
    let store = house.text("store.jks");
    std::fs::write(&store, bundle.java_store()).unwrap();
    let said = run(
        "java",
        &[
            &format!("-Djavax.net.ssl.trustStore={store}"),
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ca/Store.java"),
            &store,
            outgate::edge::ca::JAVA_PASSWORD,
        ],
    );
    assert_eq!(stdout(&said), format!("{count} {count}\n"), "{said:?}");
}

#[test]
fn config_check_tells_what_has_outgrown_the_constraints() {
    let house = House::new();
    house.init("ca", r#"["*.inside.example"]"#);
    let check = |hosts: &str, name: &str| {
        let path = house.text("outgate.toml");
        std::fs::write(
            &path,
            format!(
                "[intercept]\nhosts = {hosts}\nca_dir = {:?}\n",
                house.text(name)
            ),
        )
        .unwrap();
        let said = outgate()
            .args(["config", "check", "--json", "--config", &path])
            .output()
            .unwrap();
        assert_eq!(said.status.code(), Some(0), "{said:?}");
        let said: Value = serde_json::from_slice(&said.stdout).unwrap();
        let warnings = said["warnings"].as_array().unwrap().clone();
        warnings
            .iter()
            .map(|warning| warning.as_str().unwrap().to_owned())
            .filter(|warning| warning.contains("authority"))
            .collect::<Vec<String>>()
    };
    assert_eq!(check(r#"["a.inside.example"]"#, "ca"), [""; 0]);
    assert_eq!(check(r#""none""#, "nowhere"), [""; 0]);
    let said = check(
        r#"["a.inside.example", "*.other.example", "10.0.0.1"]"#,
        "ca",
    );
    assert!(
        said[0].contains("leave out: *.other.example, 10.0.0.1;"),
        "{said:?}"
    );
    let said = check(r#""all""#, "ca");
    assert!(said[0].contains("leave out: every host;"), "{said:?}");
    let said = check(r#""aws""#, "nowhere");
    assert!(said[0].contains("outgate ca init --ca-dir"), "{said:?}");
}
