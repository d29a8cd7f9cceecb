// SPDX-License-Identifier: Apache-2.0
//! Writes an initramfs: the "newc" archive that the kernel unpacks into its first file system.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

const DIRECTORY: u32 = 0o040_755;
const EXECUTABLE: u32 = 0o100_755;

/// An archive being written; directories are made as paths need them.
#[derive(Debug)]
pub(crate) struct Archive<W: Write> {
    to: W,
    known: BTreeSet<String>,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, known: BTreeSet::new(), entries: 0 }
    }

    /// Adds an empty directory and its parents.
    pub(crate) fn directory(&mut self, path: &str) -> io::Result<()> {
        let trimmed = path.trim_matches('/');
        for (end, _) in trimmed.match_indices('/').chain([(trimmed.len(), "")]) {
            let part = &trimmed[..end];
            if !part.is_empty() && self.known.insert(part.to_owned()) {
                self.entry(part, DIRECTORY, &[])?;
            }
        }
        Ok(())
    }

    /// Adds an executable file with its parent directories; a path already there is left as it is.
    pub(crate) fn file(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let trimmed = path.trim_matches('/');
        if let Some((parent, _)) = trimmed.rsplit_once('/') {
            self.directory(parent)?;
        }
        if self.known.insert(trimmed.to_owned()) {
            self.entry(trimmed, EXECUTABLE, content)?;
        }
        Ok(())
    }

    /// Adds a copy of a file of the host at the same path.
    pub(crate) fn copy(&mut self, path: &Path) -> io::Result<()> {
        let content = std::fs::read(path)?;
        self.file(&path.to_string_lossy(), &content)
    }

    /// Ends the archive and gives back what it was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.to.flush()?;
        Ok(self.to)
    }

    /// Header of thirteen hexadecimal fields, name, content; name and content are padded to four bytes.
    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        const HEADER: usize = 110;
        self.entries += 1;
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let name_size = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
        // magic, inode, mode, uid, gid, links, mtime, size, device ×2, rdev ×2, name size, checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.to.write_all(b"070701")?;
        for field in fields {
            write!(self.to, "{field:08x}")?;
        }
        self.to.write_all(name.as_bytes())?;
        self.to.write_all(&[0])?;
        self.pad(HEADER + name.len() + 1)?;
        self.to.write_all(content)?;
        self.pad(content.len())
    }

    fn pad(&mut self, written: usize) -> io::Result<()> {
        self.to.write_all(&[0; 3][..written.next_multiple_of(4) - written])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_once() {
        let mut archive = Archive::new(Vec::new());
        archive.file("/a/b/one", b"12345").unwrap();
        archive.file("/a/b/two", b"").unwrap();
        archive.directory("/a/b").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(names(&bytes), ["a", "a/b", "a/b/one", "a/b/two", "TRAILER!!!"]);
    }

    /// Reads the archive back the way the kernel does (init/initramfs.c).
    fn names(mut bytes: &[u8]) -> Vec<String> {
        let mut names = Vec::new();
        while !bytes.is_empty() {
            assert_eq!(&bytes[..6], b"070701");
            let field = |index: usize| {
                let text = std::str::from_utf8(&bytes[6 + index * 8..14 + index * 8]).unwrap();
                usize::from_str_radix(text, 16).unwrap()
            };
            let (size, name_size) = (field(6), field(11));
            names.push(String::from_utf8(bytes[110..109 + name_size].to_vec()).unwrap());
            let content = (110 + name_size).next_multiple_of(4);
            bytes = &bytes[content + size.next_multiple_of(4)..];
        }
        names
    }
}
