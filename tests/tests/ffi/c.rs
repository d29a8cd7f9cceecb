// SPDX-License-Identifier: Apache-2.0
//! Programs in C and C++ against the header and the library, with the compiler's checkers for memory and undefined behaviour.

use crate::library;
use gleaner_tests::fake_node::{FakeNode, FakeVersion};
use gleaner_tests::skip;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"];
const CHECKED: [&str; 2] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies one below the root")
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    output
}

fn has(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Compiles a program of `ffi/tests/c` against the library and says where it is.
fn compile(name: &str, header: &Path, into: &Path) -> Option<PathBuf> {
    let library = library::path()?;
    let directory = library.parent().expect("a file lies in a directory");
    let program = into.join(name);
    run(Command::new("gcc")
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L"])
        .args(STRICT)
        .args(CHECKED)
        .arg("-I")
        .arg(header)
        .arg(repository().join(format!("ffi/tests/c/{name}.c")))
        .arg("-L")
        .arg(directory)
        .args(["-Wl,--as-needed", "-lgleaner", "-ldl"])
        .arg(format!("-Wl,-rpath,{}", directory.display()))
        .arg("-o")
        .arg(&program));
    // The program asks for the soname, under which an installed library is found.
    let soname = directory.join("libgleaner.so.1");
    if !soname.exists() {
        // Another test may have made it in between, which is as good.
        let _ = std::os::unix::fs::symlink("libgleaner.so", &soname);
    }
    let symbols = run(Command::new("nm").arg(&program));
    let symbols = String::from_utf8_lossy(&symbols.stdout).into_owned();
    assert!(symbols.contains("__asan_init"), "the checkers are really in it");
    Some(program)
}

fn header() -> PathBuf {
    repository().join("ffi/include")
}

#[test]
fn the_header_is_clean_c11_and_cpp17() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("only.c");
    std::fs::write(&source, "#include \"gleaner.h\"\nint main(void) { return GLEANER_OK; }\n")
        .expect("a file");
    for (compiler, standard, language) in [("gcc", "c11", "c"), ("g++", "c++17", "c++")] {
        if !has(compiler) {
            return skip(&format!("{compiler} is not installed"));
        }
        run(Command::new(compiler)
            .args(STRICT)
            .arg(format!("-std={standard}"))
            .args(["-x", language, "-fsyntax-only", "-I"])
            .arg(header())
            .arg(&source));
    }
}

/// The list of layouts, which the library's own tests compare with Rust, as assertions for the compiler.
fn layout_assertions() -> String {
    let list = std::fs::read_to_string(repository().join("ffi/abi/layout.txt")).expect("a list");
    let (mut text, mut structure) = ("#include \"gleaner.h\"\n".to_owned(), "");
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let fact = match words[..] {
            [name, "size", size, "align", align] => {
                structure = name;
                format!("sizeof({name}) == {size} && _Alignof({name}) == {align}")
            }
            [offset, size, field] => format!(
                "offsetof({structure}, {field}) == {offset} && sizeof((({structure} *)0)->{field}) == {size}"
            ),
            _ => panic!("not understood: {line}"),
        };
        text.push_str(&format!("_Static_assert({fact}, \"{}\");\n", line.trim()));
    }
    text + "int main(void) { return 0; }\n"
}

#[test]
fn c_lays_structures_out_as_listed() {
    if !has("gcc") {
        return skip("gcc is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("layout.c");
    std::fs::write(&source, layout_assertions()).expect("a file");
    run(Command::new("gcc")
        .args(STRICT)
        .args(["-std=c11", "-fsyntax-only", "-I"])
        .arg(header())
        .arg(&source));
}

#[test]
fn pkg_config_finds_an_installed_library() {
    if !has("pkg-config") {
        return skip("pkg-config is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let text = std::fs::read_to_string(repository().join("ffi/gleaner.pc.in")).expect("a template");
    let text = text
        .replace("@prefix@", "/usr/local")
        .replace("@libdir@", "/usr/local/lib")
        .replace("@version@", env!("CARGO_PKG_VERSION"));
    std::fs::write(directory.path().join("gleaner.pc"), text).expect("a file");
    let output = run(Command::new("pkg-config").env("PKG_CONFIG_PATH", directory.path()).args([
        "--validate",
        "--modversion",
        "gleaner",
    ]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.is_empty() || said.trim() == env!("CARGO_PKG_VERSION"), "{said}");
    let flags = ["--cflags", "--libs", "gleaner"];
    let output = run(Command::new("pkg-config")
        .env("PKG_CONFIG_PATH", directory.path())
        .env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1")
        .args(flags));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("-I/usr/local/include") && said.contains("-lgleaner"), "{said}");
}

#[test]
fn a_host_in_c_lends_and_takes_back() {
    if !has("gcc") {
        return skip("gcc is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let node = FakeNode::new(FakeVersion::V1);
    node.write("proc/loadavg", "1.00 1.00 1.00 1/100 12345\n");
    let Some(program) = compile("smoke", &header(), directory.path()) else {
        return skip("libgleaner.so was not built");
    };
    run(Command::new(program).arg(node.path()));
}

#[test]
fn a_host_that_ends_without_closing_ends_well() {
    if !has("gcc") {
        return skip("gcc is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let node = FakeNode::new(FakeVersion::V2);
    let built = compile("abandon", &header(), directory.path()).zip(library::path());
    let Some((program, library)) = built else { return skip("libgleaner.so was not built") };
    run(Command::new(program).arg(node.path()).arg(library));
}

#[test]
fn misuse_from_c_is_refused_and_breaks_nothing() {
    if !has("gcc") {
        return skip("gcc is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let Some(program) = compile("misuse", &header(), directory.path()) else {
        return skip("libgleaner.so was not built");
    };
    run(&mut Command::new(program));
}

#[test]
fn a_program_built_with_the_first_header_runs_with_this_library() {
    if !has("gcc") {
        return skip("gcc is not installed");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let node = FakeNode::new(FakeVersion::V1);
    node.write("proc/loadavg", "1.00 1.00 1.00 1/100 12345\n");
    let first = repository().join("ffi/abi/v1.0");
    let Some(program) = compile("smoke", &first, directory.path()) else {
        return skip("libgleaner.so was not built");
    };
    run(Command::new(program).arg(node.path()));
}
