// SPDX-License-Identifier: Apache-2.0
//! Files that a crash, a full disk or a person has left in any state: read without a panic, and written on.

use gleaner_act::audit::{AuditConfig, AuditFile, Line, read};
use gleaner_act::journal::Journal;
use proptest::prelude::*;

/// Bytes, and pieces of what really stands in such files, in any order.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(b"{\"op\":\"boot\",\"boot\":\"b\"}\n".to_vec()),
        Just(b"{\"op\":\"change\",\"directory\":\"/nowhere\",\"inode\":1,\"slot\":{\"file\":\"cpu.max\"},\"before\":\"1\",\"ours\":[\"2\"]}\n".to_vec()),
        Just(b"{\"op\":\"undone\",\"directory\":\"/nowhere\",\"inode\":1,\"slot\":{\"file\":\"cpu.max\"}}\n".to_vec()),
        Just(b"{\"tick\":3,\"verdict\":null}\n".to_vec()),
        Just(b"{\"kind\":\"intent\"".to_vec()),
        Just(b"\n".to_vec()),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_audit_file_in_any_state_takes_the_next_line(before in content()) {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("audit.jsonl");
        std::fs::write(&path, before).expect("room");
        let mut audit = AuditFile::open(AuditConfig { path: path.clone(), max_bytes: 10_000, keep: 1 });
        let appended = audit.append("{\"tick\":77}");
        prop_assert!(appended);
        let mut last = None;
        read(&path, |line| last = Some(line)).expect("readable");
        let is_ours = matches!(last, Some(Line::Decision(value)) if value["tick"] == 77);
        prop_assert!(is_ours);
    }

    #[test]
    fn a_journal_in_any_state_opens_and_can_be_swept(before in content()) {
        let top = tempfile::tempdir().expect("a temporary directory");
        let path = top.path().join("journal");
        std::fs::write(&path, before).expect("room");
        let mut journal = Journal::open(&path, "b").expect("nobody else has it");
        journal.undo_all();
        prop_assert_eq!(journal.spots().count(), 0);
        drop(journal);
        let again = Journal::open(&path, "b").expect("nobody else has it");
        prop_assert_eq!(again.spots().count(), 0, "what was swept stays swept");
    }
}
