// SPDX-License-Identifier: Apache-2.0
//! Files that are replaced as a whole, so that a reader finds the old one or the new one and never a part.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// For whom a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Our next start: it survives a crash of the node, and its mode is what the process gives.
    Us,
    /// Others, who read it at once: everybody may, and it is not waited for until it is on the disk.
    Others,
}

/// Replaces a file. What is half written stands beside it, hidden, with `.new` at its end.
pub(crate) fn replace(path: &Path, bytes: &[u8], whom: Whom) -> io::Result<()> {
    let new = beside(path).ok_or(ErrorKind::IsADirectory)?;
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    match whom {
        Whom::Us => file.sync_all()?,
        Whom::Others => file.set_permissions(Permissions::from_mode(0o644))?,
    }
    drop(file);
    fs::rename(&new, path).inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Removes such a file, where there is one.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Hidden, because programs that read all files of a directory leave hidden ones out.
fn beside(path: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name()?);
    name.push(".new");
    Some(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_reader_finds_the_old_one_or_the_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offer.json");
        replace(&path, b"first, which is long", Whom::Others).unwrap();
        let reader = File::open(&path).unwrap();
        replace(&path, b"second", Whom::Others).unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), "first, which is long");
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(mode(&path), 0o644, "others may read it");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half written stays");
        remove(&path).unwrap();
        remove(&path).expect("that it is gone already is as good");
    }

    #[test]
    fn what_cannot_be_replaced_says_so_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("taken");
        fs::create_dir(&taken).unwrap();
        replace(&taken, b"bytes", Whom::Us).expect_err("a directory is there");
        replace(Path::new("/"), b"bytes", Whom::Us).expect_err("no name");
        let missing = dir.path().join("missing/offer.json");
        let error = replace(&missing, b"bytes", Whom::Others).expect_err("no directory");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing half written stays");
    }
}
