// SPDX-License-Identifier: Apache-2.0
//! One idea a file, one step a function: both stay short enough to be read at once.

use crate::tree::{Finding, lines, none, sources_of};
use syn::visit::Visit;

const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 50;
/// Files that may be longer, and why. An entry that is no longer needed is a finding.
const LONGER: [(&str, &str); 0] = [];

fn file_too_long(path: &str, text: &str) -> Option<Finding> {
    let count = text.lines().count();
    let what = format!("{count} lines, at most {FILE_LINES_MAX}: split it by idea");
    (count > FILE_LINES_MAX).then(|| Finding::new(path, count, what))
}

/// Counts the lines between a function's braces, whatever is on them.
struct Functions<'a> {
    path: &'a str,
    found: Vec<Finding>,
}

impl Functions<'_> {
    fn check(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let open = block.brace_token.span.open().start().line;
        let close = block.brace_token.span.close().end().line;
        let count = close.saturating_sub(open + 1);
        if count > FUNCTION_LINES_MAX {
            let name = &signature.ident;
            let what = format!("{name}: {count} lines, at most {FUNCTION_LINES_MAX}");
            self.found.push(Finding::new(self.path, open, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.check(&node.sig, &node.block);
        syn::visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.check(&node.sig, &node.block);
        syn::visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.check(&node.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, node);
    }
}

fn functions_too_long(path: &str, text: &str) -> Vec<Finding> {
    match syn::parse_file(text) {
        Ok(file) => {
            let mut functions = Functions { path, found: Vec::new() };
            functions.visit_file(&file);
            functions.found
        }
        Err(error) => vec![Finding::new(path, error.span().start().line, error.to_string())],
    }
}

#[test]
fn a_long_function_is_found() {
    let body = |count| "let x = 1;\n".repeat(count);
    let text = format!("fn ok() {{\n{}}}\nfn long() {{\n{}}}\n", body(50), body(51));
    assert_eq!(lines(&functions_too_long("x.rs", &text)), [53]);
    let method = format!("impl A {{\nfn long() {{\n{}}}\n}}\n", body(51));
    assert_eq!(lines(&functions_too_long("x.rs", &method)), [2]);
}

#[test]
fn a_long_file_is_found() {
    assert_eq!(file_too_long("x.rs", &"\n".repeat(400)), None);
    assert!(file_too_long("x.rs", &"\n".repeat(401)).is_some());
}

#[test]
fn files_are_short() {
    let exempt = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let files = sources_of(&["rs", "c", "cpp", "hpp"]);
    none(
        files
            .iter()
            .filter(|file| !exempt(&file.path))
            .filter_map(|file| file_too_long(&file.path, &file.text)),
    );
    let needed = |path: &str| {
        files.iter().any(|file| file.path == path && file_too_long(path, &file.text).is_some())
    };
    for (path, why) in LONGER {
        assert!(needed(path) && !why.is_empty(), "{path} needs no exception");
    }
}

#[test]
fn functions_are_short() {
    let files = sources_of(&["rs"]);
    none(files.iter().flat_map(|file| functions_too_long(&file.path, &file.text)));
}
