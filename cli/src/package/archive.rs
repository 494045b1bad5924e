//! The layer of an image: a compressed tar.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};

/// An archive of files, with nothing in it but their names and contents.
pub(super) fn tar(files: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len().try_into().map_err(io::Error::other)?);
        archive.append_data(&mut header, name, *content)?;
    }
    archive.into_inner()
}

/// Compresses; without the time and the system that the header of gzip has room for.
///
/// # Errors
/// None, as memory is written to.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(UNKNOWN_SYSTEM)
        .write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn an_archive_says_nothing_about_when_and_by_whom_it_was_made() {
        let bytes = tar(&[("plugin.wasm", b"module"), ("sbom.cdx.json", b"{}")]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 0);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mode().unwrap(), 0o644);
            let name = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            found.push((name, content));
        }
        let wanted = [
            ("plugin.wasm".to_owned(), b"module".to_vec()),
            ("sbom.cdx.json".to_owned(), b"{}".to_vec()),
        ];
        assert_eq!(found, wanted);
    }

    /// RFC 1952, section 2.3: magic, method, flags, time, extra flags, system.
    #[test]
    fn compressed_bytes_say_neither_time_nor_system() {
        let bytes = gzip(b"module").unwrap();
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    }
}
