// SPDX-License-Identifier: Apache-2.0
//! Gives the shared library its soname, and keeps it loaded: its threads must not outlive their code.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Compatible libraries share this name; see `ABI_MAJOR` in src/abi/mod.rs, which a test compares.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libgleaner.so.1");
    // Mesos up to 1.1 unloads modules. An unresolved symbol is an error here and not in the agent.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete,-z,defs");
}
