//! `meshlane push`: what keeps it from pushing. That it pushes is shown against a real registry, in e2e.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use meshlane::command::Exit;
use tempfile::TempDir;

/// A folder with a module and a configuration of docker's.
fn place(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("suite.wasm"), b"\0asm\x01\0\0\0").unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    folder
}

/// The program itself, as it looks into its environment.
fn push(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_meshlane"))
        .arg("push")
        .args(arguments)
        .current_dir(folder)
        .env("DOCKER_CONFIG", folder)
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (output.status.code().unwrap(), errors)
}

/// A server that gives everybody the same answer.
fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            // Nobody may be reading any more.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_bad_reference_is_refused_with_what_was_expected() {
    let folder = place("{}");
    let (exit, errors) = push(folder.path(), &["registry.example/suite:1", "suite.wasm"]);
    assert_eq!(exit, Exit::Failed as i32);
    for part in [
        "`registry.example/suite:1` does not begin with oci://",
        "expected oci://HOST[:PORT]/REPOSITORY:TAG",
    ] {
        assert!(errors.contains(part), "{errors}");
    }
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let folder = place("{}");
    // Bound and not listening.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (exit, errors) = push(
        folder.path(),
        &[&format!("oci://{address}/suite:1"), "suite.wasm"],
    );
    assert_eq!(exit, Exit::Failed as i32);
    let wanted = format!("error: {address} cannot be reached by http: Connection refused");
    assert!(errors.starts_with(&wanted), "{errors}");
}

#[test]
fn a_registry_without_tls_is_told_from_one_that_is_broken() {
    let folder = place("{}");
    let address = server("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    // Only loopback is known to have no certificate.
    let reference = format!("oci://0.0.0.0:{}/suite:1", address.port());
    let (_, errors) = push(folder.path(), &[&reference, "suite.wasm"]);
    assert!(errors.contains("cannot be reached by https"), "{errors}");
    assert!(errors.contains("takes --plain-http"), "{errors}");
    let (_, errors) = push(folder.path(), &["--plain-http", &reference, "suite.wasm"]);
    assert!(!errors.contains("--plain-http"), "{errors}");
}

#[test]
fn a_server_that_is_no_registry_has_no_repository() {
    let folder = place("{}");
    let address =
        server("HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let (_, errors) = push(
        folder.path(),
        &[&format!("oci://{address}/mesh/suite:1"), "suite.wasm"],
    );
    let wanted = format!("error: {address} has no repository mesh/suite");
    assert!(errors.starts_with(&wanted), "{errors}");
}

#[test]
fn nobody_gets_in_without_credentials() {
    let folder = place("{}");
    let address = server(
        "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\nwww-authenticate: Basic realm=\"r\"\r\ncontent-length: 0\r\n\r\n",
    );
    let (_, errors) = push(
        folder.path(),
        &[&format!("oci://{address}/suite:1"), "suite.wasm"],
    );
    let wanted =
        format!("error: {address} does not let anybody without credentials (try `docker login`)");
    assert!(errors.starts_with(&wanted), "{errors}");
}

#[test]
fn helpers_are_asked_for_the_registry() {
    let folder = place(r#"{"credHelpers": {"127.0.0.1:9": "asked"}}"#);
    let helper = folder.path().join("docker-credential-asked");
    let script =
        "#!/bin/sh\ncat > asked-for\necho '{\"Username\": \"alice\", \"Secret\": \"s\"}'\n";
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    push(folder.path(), &["oci://127.0.0.1:9/suite:1", "suite.wasm"]);
    let asked = fs::read_to_string(folder.path().join("asked-for")).unwrap();
    assert_eq!(asked, "127.0.0.1:9");
}

#[test]
fn a_broken_configuration_of_dockers_is_named() {
    let folder = place("{");
    let (_, errors) = push(folder.path(), &["oci://127.0.0.1:9/suite:1", "suite.wasm"]);
    assert!(errors.contains("config.json"), "{errors}");
}

#[test]
fn an_image_has_its_layout_already() {
    let folder = place("{}");
    fs::create_dir(folder.path().join("suite")).unwrap();
    let reference = "oci://127.0.0.1:9/suite:1";
    let (_, errors) = push(folder.path(), &["--layout", "artifact", reference, "suite"]);
    assert!(
        errors.starts_with("error: suite is an image already"),
        "{errors}"
    );
    let (_, errors) = push(folder.path(), &[reference, "suite"]);
    assert!(
        errors.starts_with("error: cannot read suite/index.json"),
        "{errors}"
    );
}
