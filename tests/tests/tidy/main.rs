// SPDX-License-Identifier: Apache-2.0
//! The house rules as tests: crate graph, sizes, banned calls and words, documents that name what exists.
//!
//! Every rule is a function from text to findings, tried on a planted fault and then on the whole repository.

mod documents;
mod graph;
mod purity;
mod size;
mod source;
mod tree;
mod words;
